import { ApiPropertyOptional } from '@nestjs/swagger';
import { IsBoolean, IsInt, Max, Min } from 'class-validator';
import {
  ExclusiveWith,
  IsMessageId,
  MESSAGE_ID_SCHEMA,
  Optional,
} from '../../../validation/decorators.js';
import { PAGE } from '../../limits.js';

/** The largest seq. */
const MAX_SEQ = 2 ** 32 - 1;

// Swagger UI sends the examples of parameters: a parameter that narrows the result has its example in the text.

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

  /** The branch that ends with this message, instead of the one that the session shows: `msg_04`. */
  @ApiPropertyOptional(MESSAGE_ID_SCHEMA)
  @Optional()
  @IsMessageId()
  @ExclusiveWith('tree')
  leaf?: string;

  /** The messages of all branches, in order of arrival. */
  @Optional()
  @IsBoolean()
  tree?: boolean;
}
