import { ApiPropertyOptional, ApiSchema } from '@nestjs/swagger';
import { exactly } from '../../../json/exact-json.js';
import {
  ApiEnum,
  ApiInteger,
  ApiObject,
  ApiObjects,
  ApiParts,
  ApiTime,
} from '../../routes/openapi/properties.js';
import {
  MESSAGE_ROLES,
  type MessageRole,
} from '../../store/entities/chat-message.entity.js';
import type {
  MessagePage,
  PlacedMessage,
} from '../../store/placed-messages.repository.js';

/** One turn of a conversation. */
@ApiSchema({ name: 'ChatMessage' })
export class ChatMessageDto {
  /**
   * Unique in its session: the client's own id, or a UUID.
   * @example "msg_01"
   */
  id: string;

  /**
   * Its place in the session: 1, 2, 3 ...; the cursor of paging.
   * @example 1
   */
  @ApiInteger()
  seq: number;

  /**
   * The message that it follows; null if it is the first of a branch.
   * @example "msg_00"
   */
  parent_id: string | null;

  /** Who speaks. */
  @ApiEnum(MESSAGE_ROLES)
  role: MessageRole;

  /**
   * The text.
   * @example "sorry, no mochas here, did you mean macchiato?"
   */
  content: string;

  /** Only an answer that is not complete has it. `open`: it is being written; `partial`: that ended before it was complete. */
  @ApiPropertyOptional({ enum: ['open', 'partial'], example: 'partial' })
  status?: 'open' | 'partial';

  /** Typed parts exactly as sent (text, tool calls, images ...); null where there are none, and empty where there is no text either. */
  @ApiParts()
  parts: Record<string, unknown>[] | null;

  /** What the text refers to. */
  @ApiObjects()
  references: Record<string, unknown>[];

  /** The client's own. */
  @ApiObject()
  metadata: Record<string, unknown>;

  /**
   * When it was stored, in UTC.
   * @example "2026-11-23T01:02:03.456Z"
   */
  @ApiTime()
  timestamp: string;

  /**
   * When it was changed last, in UTC; null if it was not.
   * @example "2026-11-23T01:02:09.001Z"
   */
  @ApiTime()
  edited_at: string | null;

  /**
   * If several messages follow the same one: their seqs, its own included; the nearest 100 if there are more.
   * @example [3, 5]
   */
  @ApiPropertyOptional({ type: 'integer', isArray: true })
  siblings?: number[];
}

export class ChatMessageBody {
  message: ChatMessageDto;
}

export class ChatMessagesBody {
  messages: ChatMessageDto[];
}

/** A page of a conversation, oldest first. */
export class ChatMessagePage extends ChatMessagesBody {
  /** Whether there are older messages than these. */
  has_before: boolean;

  /** Whether there are newer messages than these. */
  has_after: boolean;
}

export function toChatMessage(message: PlacedMessage): ChatMessageDto {
  const { siblings, status } = message;
  return {
    id: message.id,
    seq: message.seq,
    parent_id: message.parentId,
    role: message.role,
    content: message.content,
    parts: exactly(message.parts),
    references: exactly(message.references),
    metadata: exactly(message.metadata),
    timestamp: message.createdAt.toISOString(),
    edited_at: message.editedAt?.toISOString() ?? null,
    ...(siblings && { siblings }),
    ...(status && { status }),
  };
}

export function toChatMessagePage({
  messages,
  hasBefore,
  hasAfter,
}: MessagePage): ChatMessagePage {
  return {
    messages: messages.map(toChatMessage),
    has_before: hasBefore,
    has_after: hasAfter,
  };
}
