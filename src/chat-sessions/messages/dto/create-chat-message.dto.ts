import { applyDecorators } from '@nestjs/common';
import { ApiProperty, ApiPropertyOptional, ApiSchema } from '@nestjs/swagger';
import {
  ArrayMaxSize,
  ArrayMinSize,
  ArrayUnique,
  IsArray,
  IsIn,
  IsOptional,
  IsString,
} from 'class-validator';
import {
  IsJsonObject,
  IsMessageId,
  IsTypedPart,
  MaxBytes,
  MaxJsonBytes,
  MESSAGE_ID_SCHEMA,
  NestedArray,
  Optional,
} from '../../../validation/decorators.js';
import { LIMITS } from '../../limits.js';
import {
  ApiEnum,
  ApiObject,
  ApiObjects,
  ApiParts,
} from '../../routes/openapi/properties.js';
import {
  MESSAGE_ROLES,
  type MessageRole,
} from '../../store/entities/chat-message.entity.js';
import { MaxTextBytes } from '../text-parts.js';

/** The fields of a message that may be changed later. */
export class ChatMessageFields {
  /**
   * The text, at most 1 MiB in UTF-8; without it, the texts of the `text` parts,
   * which then may have as much.
   * @example "I'd like a mocha please"
   */
  @IsOptional()
  @IsString()
  @MaxBytes(LIMITS.contentBytes)
  content?: string | null;

  /** Typed parts (`{"type": "text", "text": "..."}`, tool calls, images ...), at most 2,000, kept exactly as sent. */
  @ApiParts({
    maxItems: LIMITS.partsPerMessage,
    example: [{ type: 'text', text: "I'd like a mocha please" }],
  })
  @IsOptional()
  @IsArray()
  @ArrayMaxSize(LIMITS.partsPerMessage)
  @IsTypedPart({ each: true })
  @MaxTextBytes(LIMITS.contentBytes)
  parts?: Record<string, unknown>[] | null;

  /** What the text refers to. */
  @ApiObjects({ maxItems: LIMITS.referencesPerMessage })
  @Optional()
  @IsArray()
  @ArrayMaxSize(LIMITS.referencesPerMessage)
  @IsJsonObject({ each: true })
  references?: Record<string, unknown>[];

  /** The client's own, at most 64 KiB of JSON. */
  @ApiObject()
  @Optional()
  @IsJsonObject()
  @MaxJsonBytes(LIMITS.metadataBytes)
  metadata?: Record<string, unknown>;
}

/** A message to append. It needs a text in `content`, or `parts`, which may be empty. */
@ApiSchema({ name: 'NewChatMessage' })
export class CreateChatMessageDto extends ChatMessageFields {
  /**
   * An id of the client's own, which makes the append safe to repeat: 1 to 255
   * characters, compared by code point, so `A` and `a` are two ids. Control
   * characters, line breaks and white space at either end are refused, and so
   * are `.` and `..`, which no URL can hold.
   * @example "msg_01"
   */
  @Optional()
  @IsMessageId()
  id?: string;

  /** Who speaks. */
  @ApiEnum(MESSAGE_ROLES)
  @IsIn(MESSAGE_ROLES)
  role: MessageRole;
}

/** A message to append, and where. */
@ApiSchema({ name: 'ChatMessageToAppend' })
export class AppendChatMessageDto extends CreateChatMessageDto {
  @ParentId()
  parent_id?: string | null;
}

/** Several messages to append, all or none. */
@ApiSchema({ name: 'NewChatMessages' })
export class CreateChatMessagesDto {
  @ParentId()
  parent_id?: string | null;

  /** 1 to 100. */
  @ApiProperty({ minItems: 1, maxItems: LIMITS.messagesPerBatch })
  @IsArray()
  @ArrayMinSize(1)
  @NestedArray(() => CreateChatMessageDto, LIMITS.messagesPerBatch)
  @UniqueIds()
  messages: CreateChatMessageDto[];
}

function ParentId(): PropertyDecorator {
  return applyDecorators(
    ApiPropertyOptional({
      ...MESSAGE_ID_SCHEMA,
      nullable: true,
      description:
        'The id of the message that the new one follows, or the first of several. By default the last one that the session shows; null begins a new conversation beside the others.',
      example: 'msg_01',
    }),
    IsOptional(),
    IsMessageId(),
  );
}

export function UniqueIds(): PropertyDecorator {
  return ArrayUnique(
    (message: CreateChatMessageDto | null) => message?.id ?? message,
    { message: '$property must not hold the same id twice' },
  );
}
