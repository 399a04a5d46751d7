import { ApiProperty, ApiSchema } from '@nestjs/swagger';
import { IsArray, IsOptional, IsUUID } from 'class-validator';
import {
  IsJsonObject,
  IsOpaqueId,
  MaxJsonBytes,
  NestedArray,
  Optional,
  Requires,
} from '../../../validation/decorators.js';
import { LIMITS } from '../../limits.js';
import {
  CreateChatMessageDto,
  UniqueIds,
} from '../../messages/dto/create-chat-message.dto.js';
import { ApiObject } from '../../routes/openapi/properties.js';
import { ChatSessionFields } from './chat-session-fields.dto.js';

/** A session to create; every field may be left out. */
@ApiSchema({ name: 'NewChatSession' })
export class CreateChatSessionDto extends ChatSessionFields {
  /**
   * A UUID of the client's own, which makes the create safe to repeat.
   * @example "019ae1c4-7d5e-7c3a-9f10-3b1f6f0c2a55"
   */
  @Optional()
  @IsUUID('loose')
  id?: string;

  /**
   * The platform's document that the session hangs on.
   * @example "menu"
   */
  @IsOptional()
  @IsOpaqueId()
  document_id?: string | null;

  /**
   * The section of that document; an owner has one session for each.
   * @example "coffee"
   */
  @IsOptional()
  @IsOpaqueId()
  @Requires('document_id')
  section_id?: string | null;

  /** How the client wants to chat, at most 64 KiB of JSON. */
  @ApiObject({ example: { model: 'large', temperature: 0.2 } })
  @Optional()
  @IsJsonObject()
  @MaxJsonBytes(LIMITS.configBytes)
  config?: Record<string, unknown>;

  /** The first messages, at most 100. */
  @ApiProperty({ maxItems: LIMITS.messagesPerBatch })
  @Optional()
  @IsArray()
  @NestedArray(() => CreateChatMessageDto, LIMITS.messagesPerBatch)
  @UniqueIds()
  messages?: CreateChatMessageDto[];
}
