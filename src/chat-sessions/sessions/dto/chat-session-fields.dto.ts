import { ApiProperty } from '@nestjs/swagger';
import { ArrayMaxSize, IsArray, IsOptional, IsString } from 'class-validator';
import {
  IsJsonObject,
  IsNotBlank,
  MaxCharacters,
  MaxJsonBytes,
  Optional,
} from '../../../validation/decorators.js';
import { LIMITS } from '../../limits.js';
import { ApiObject } from '../../routes/openapi/properties.js';

/** Fields that are replaced whole. */
export class PlainChatSessionFields {
  /**
   * At most 255 characters, and not blank.
   * @example "A mocha"
   */
  @IsOptional()
  @IsString()
  @IsNotBlank()
  @MaxCharacters(LIMITS.titleCharacters)
  title?: string | null;

  /**
   * Documents to take into account, as the client names them: at most 100, of
   * at most 1,024 characters each.
   * @example ["menu", "prices"]
   */
  @ApiProperty({
    type: 'array',
    items: { type: 'string', maxLength: LIMITS.contextDocumentCharacters },
    maxItems: LIMITS.contextDocuments,
  })
  @Optional()
  @IsArray()
  @ArrayMaxSize(LIMITS.contextDocuments)
  @IsString({ each: true })
  @MaxCharacters(LIMITS.contextDocumentCharacters, { each: true })
  context_documents?: string[];
}

/** Fields that a client sets at create and may replace later. */
export class ChatSessionFields extends PlainChatSessionFields {
  /** The client's own, at most 64 KiB of JSON. */
  @ApiObject()
  @Optional()
  @IsJsonObject()
  @MaxJsonBytes(LIMITS.metadataBytes)
  metadata?: Record<string, unknown>;
}
