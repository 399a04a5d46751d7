import { ApiPropertyOptional } from '@nestjs/swagger';
import { IsBoolean, IsInt, Max, Min } from 'class-validator';
import {
  ExclusiveWith,
  IsOpaqueId,
  Optional,
  Requires,
} from '../../../validation/decorators.js';
import { IsCursor } from '../cursor.js';
import { PAGE } from '../../limits.js';

/** The largest number that a seq can be. */
const MAX_SEQ = 2 ** 32 - 1;

// Swagger UI fills in examples of parameters: what narrows a request has its example in the text.

export class GetChatSessionQuery {
  /**
   * How many of the newest messages to show.
   * @example 50
   */
  @ApiPropertyOptional({ type: 'integer' })
  @IsInt()
  @Min(0)
  @Max(PAGE.sessionMessages.max)
  messages: number = PAGE.sessionMessages.default;
}

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

export class ListMessagesQuery {
  /**
   * How many messages a page has.
   * @example 50
   */
  @ApiPropertyOptional({ type: 'integer' })
  @IsInt()
  @Min(1)
  @Max(PAGE.messages.max)
  limit: number = PAGE.messages.default;

  /** Messages older than this seq: `101`. */
  @ApiPropertyOptional({ type: 'integer' })
  @Optional()
  @IsInt()
  @Min(0)
  @Max(MAX_SEQ)
  @ExclusiveWith('after', 'around')
  before?: number;

  /** Messages newer than this seq: `50`. */
  @ApiPropertyOptional({ type: 'integer' })
  @Optional()
  @IsInt()
  @Min(0)
  @Max(MAX_SEQ)
  @ExclusiveWith('before', 'around')
  after?: number;

  /** The message of this seq and its neighbours on both sides: `75`. */
  @ApiPropertyOptional({ type: 'integer' })
  @Optional()
  @IsInt()
  @Min(0)
  @Max(MAX_SEQ)
  @ExclusiveWith('before', 'after')
  around?: number;
}
