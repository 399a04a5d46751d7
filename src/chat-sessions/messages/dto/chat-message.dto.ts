import { ApiSchema } from '@nestjs/swagger';
import { exactly } from '../../../json/exact-json.js';
import {
  ApiEnum,
  ApiInteger,
  ApiObject,
  ApiObjects,
  ApiParts,
  ApiTime,
} from '../../routes/openapi/properties.js';
import type { MessagePage } from '../../store/chat-messages.repository.js';
import {
  type ChatMessage,
  MESSAGE_ROLES,
  type MessageRole,
} from '../../store/entities/chat-message.entity.js';
import type { ChatSession } from '../../store/entities/chat-session.entity.js';
import { firstSeqOf } from '../../store/message-range.js';

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

  /** Who speaks. */
  @ApiEnum(MESSAGE_ROLES)
  role: MessageRole;

  /**
   * The text.
   * @example "sorry, no mochas here, did you mean macchiato?"
   */
  content: string;

  /** Typed parts exactly as sent (text, tool calls, images ...); null where there are none. */
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

export function toChatMessage(message: ChatMessage): ChatMessageDto {
  return {
    id: message.id,
    seq: message.seq,
    role: message.role,
    content: message.content,
    parts: exactly(message.parts),
    references: exactly(message.references),
    metadata: exactly(message.metadata),
    timestamp: message.createdAt.toISOString(),
  };
}

/** `has_before` and `has_after` follow from the range, as seqs have no gaps. */
export function toChatMessagePage({
  session,
  messages,
  range,
}: MessagePage & { session: ChatSession }): ChatMessagePage {
  const isCleared = session.messageCount === 0;
  return {
    messages: messages.map(toChatMessage),
    has_before: !isCleared && range.from > firstSeqOf(session),
    has_after: !isCleared && range.to < session.lastSeq,
  };
}
