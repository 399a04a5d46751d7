import { ApiPropertyOptional } from '@nestjs/swagger';
import { IsBoolean, IsInt, Max, Min } from 'class-validator';
import {
  IsAloneAmong,
  IsOpaqueId,
  MayBeAbsent,
  Requires,
} from '../../validation/decorators.js';
import { IsCursor } from '../cursor.js';
import { PAGE } from './limits.js';

/** The largest number that a seq can be. */
const MAX_SEQ = 2 ** 32 - 1;

export class GetChatSessionQuery {
  /** How many of the newest messages to show. */
  @ApiPropertyOptional()
  @IsInt()
  @Min(0)
  @Max(PAGE.sessionMessages.max)
  messages: number = PAGE.sessionMessages.default;
}

export class ListChatSessionsQuery {
  @ApiPropertyOptional()
  @IsInt()
  @Min(1)
  @Max(PAGE.sessions.max)
  limit: number = PAGE.sessions.default;

  /** `next_cursor` of the page before. */
  @MayBeAbsent()
  @IsCursor()
  cursor?: string;

  @MayBeAbsent()
  @IsOpaqueId()
  document_id?: string;

  /** Only together with `document_id`. */
  @MayBeAbsent()
  @IsOpaqueId()
  @Requires('document_id')
  section_id?: string;

  @ApiPropertyOptional()
  @IsBoolean()
  archived: boolean = false;

  /** Only pinned sessions, or only others. */
  @MayBeAbsent()
  @IsBoolean()
  pinned?: boolean;
}

export class ListMessagesQuery {
  @ApiPropertyOptional()
  @IsInt()
  @Min(1)
  @Max(PAGE.messages.max)
  limit: number = PAGE.messages.default;

  /** Messages older than this seq. */
  @MayBeAbsent()
  @IsInt()
  @Min(0)
  @Max(MAX_SEQ)
  @IsAloneAmong('after', 'around')
  before?: number;

  /** Messages newer than this seq. */
  @MayBeAbsent()
  @IsInt()
  @Min(0)
  @Max(MAX_SEQ)
  @IsAloneAmong('before', 'around')
  after?: number;

  /** The message of this seq and its neighbours on both sides. */
  @MayBeAbsent()
  @IsInt()
  @Min(0)
  @Max(MAX_SEQ)
  @IsAloneAmong('before', 'after')
  around?: number;
}
