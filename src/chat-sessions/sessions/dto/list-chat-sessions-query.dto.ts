import { ApiPropertyOptional } from '@nestjs/swagger';
import { IsBoolean, IsInt, Max, Min } from 'class-validator';
import {
  IsOpaqueId,
  Optional,
  Requires,
} from '../../../validation/decorators.js';
import { PAGE } from '../../limits.js';
import { IsCursor } from '../cursor.js';

// Swagger UI sends the examples of parameters: a parameter that narrows the result has its example in the text.

export class ListChatSessionsQuery {
  /**
   * How many sessions a page has.
   * @example 20
   */
  @ApiPropertyOptional({ type: 'integer' })
  @IsInt()
  @Min(1)
  @Max(PAGE.sessions.max)
  limit: number = PAGE.sessions.default;

  /** `next_cursor` of the page before. */
  @Optional()
  @IsCursor()
  cursor?: string;

  /** Only the sessions of this document: `menu`. */
  @Optional()
  @IsOpaqueId()
  document_id?: string;

  /** Only the session of this section, together with `document_id`: `coffee`. */
  @Optional()
  @IsOpaqueId()
  @Requires('document_id')
  section_id?: string;

  /**
   * Archived sessions instead of the others.
   * @example false
   */
  @ApiPropertyOptional()
  @IsBoolean()
  archived: boolean = false;

  /** Only pinned sessions, or only others. */
  @Optional()
  @IsBoolean()
  pinned?: boolean;
}
