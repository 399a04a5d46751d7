import { ApiPropertyOptional, ApiSchema } from '@nestjs/swagger';
import { exactly, jsonOf } from '../../../json/exact-json.js';
import { isEnded, toRunBody } from '../../answers/run-state.js';
import {
  ChatMessageDto,
  toChatMessage,
} from '../../messages/dto/chat-message.dto.js';
import { ChatRunDto } from '../../messages/dto/chat-run.dto.js';
import { UsageSumsDto } from '../../messages/dto/usage-sums.dto.js';
import {
  ApiInteger,
  ApiObject,
  ApiObjects,
  ApiTime,
} from '../../routes/openapi/properties.js';
import type { ChatRun } from '../../store/entities/chat-run.entity.js';
import type {
  ChatSession,
  ForkedFrom,
} from '../../store/entities/chat-session.entity.js';
import type { PlacedMessage } from '../../store/placed-messages.repository.js';
import type { ListPosition } from '../../store/session-lists.repository.js';
import { existingCountOf } from '../../tree/stored-tree.js';
import { encodeCursor } from '../cursor.js';

/** The message at which a session was copied from another one. */
@ApiSchema({ name: 'ChatForkOrigin' })
class ForkOriginDto implements ForkedFrom {
  /**
   * The session that was copied. It may have been deleted since.
   * @example "019ae1c4-7d5e-7c3a-9f10-3b1f6f0c2a55"
   */
  session_id: string;

  /**
   * The last message that was copied; null if there was none.
   * @example "msg_01"
   */
  message_id: string | null;
}

/** The fields of a session that every response has. */
class ChatSessionHead {
  /**
   * UUID, version 7 unless the client chose it.
   * @example "019ae1c4-7d5e-7c3a-9f10-3b1f6f0c2a55"
   */
  id: string;

  /**
   * As given, or the start of the first user message.
   * @example "I'd like a mocha please"
   */
  title: string | null;

  /**
   * The platform's document that the session hangs on.
   * @example "menu"
   */
  document_id: string | null;

  /**
   * The section of that document.
   * @example "coffee"
   */
  section_id: string | null;

  /**
   * Documents to take into account, as the client names them.
   * @example ["menu", "prices"]
   */
  context_documents: string[];

  /** @example false */
  pinned: boolean;

  /**
   * Archived sessions are left out of lists unless asked for.
   * @example false
   */
  archived: boolean;

  /**
   * How many messages the session has, on all branches.
   * @example 1
   */
  @ApiInteger()
  message_count: number;

  /**
   * When the last message that the session shows was stored, in UTC.
   * @example "2026-11-23T01:02:03.456Z"
   */
  @ApiTime()
  last_message_at: string | null;

  /**
   * Counts every change of the session, appends included.
   * @example 2
   */
  @ApiInteger()
  version: number;

  /**
   * The session and message that it was forked from. Only forks have it.
   * @example {"session_id":"019ae1c4-7d5e-7c3a-9f10-3b1f6f0c2a55","message_id":"msg_01"}
   */
  @ApiPropertyOptional()
  forked_from?: ForkOriginDto;

  /**
   * The sums of its runs. Only sessions whose runs have reported usage have it.
   * @example {"runs":1,"input_tokens":57,"output_tokens":9,"cached_tokens":0,"reasoning_tokens":0,"cost":0.00042}
   */
  @ApiPropertyOptional()
  usage?: UsageSumsDto;

  /**
   * In UTC.
   * @example "2026-11-23T01:02:03.456Z"
   */
  @ApiTime()
  created_at: string;

  /**
   * In UTC.
   * @example "2026-11-23T01:02:03.456Z"
   */
  @ApiTime()
  updated_at: string;
}

/** One conversation, with its newest messages. */
@ApiSchema({ name: 'ChatSession' })
export class ChatSessionDto extends ChatSessionHead {
  /** The newest messages of the branch that the session shows, oldest first. */
  messages: ChatMessageDto[];

  /** The references of the messages shown, without repeats. */
  @ApiObjects()
  references: Record<string, unknown>[];

  /** How the client wants to chat: model, temperature ... */
  @ApiObject({ example: { model: 'large', temperature: 0.2 } })
  config: Record<string, unknown>;

  /** The client's own. */
  @ApiObject()
  metadata: Record<string, unknown>;

  /**
   * The run whose answer is being written. Only while one is.
   * @example {"id":"run_01","status":"active","message_id":"msg_08","fence":1,"lease_seconds":30,"lease_until":"2026-11-23T01:02:33.456Z","offset":0,"metadata":{},"error":null,"interrupts":[],"started_at":"2026-11-23T01:02:03.456Z","ended_at":null}
   */
  @ApiPropertyOptional()
  active_run?: ChatRunDto;
}

/** A conversation in a list. */
@ApiSchema({ name: 'ChatSessionSummary' })
export class ChatSessionSummaryDto extends ChatSessionHead {
  /**
   * The start of the text of the last message that the session shows.
   * @example "sorry, no mochas here, did you mean macchiato?"
   */
  preview: string | null;
}

export class ChatSessionBody {
  chat_session: ChatSessionDto;
}

export class ChatSessionCreatedBody extends ChatSessionBody {
  /** @example "Chat session created successfully" */
  message: string;
}

export class ChatSessionListBody {
  chat_sessions: ChatSessionSummaryDto[];

  /**
   * The next page's `cursor`; null at the end.
   * @example "MTc5NTM5MjAwMDAwMC4wMTlhZTFjNC03ZDVlLTdjM2EtOWYxMC0zYjFmNmYwYzJhNTU"
   */
  next_cursor: string | null;
}

export class ChatSessionDoneBody {
  /** @example "Chat history cleared successfully" */
  message: string;
}

export function toChatSession(
  session: ChatSession,
  messages: PlacedMessage[],
  run?: ChatRun | null,
): ChatSessionDto {
  return Object.assign(headOf(session), {
    messages: messages.map(toChatMessage),
    references: withoutRepeats(
      messages.flatMap(({ references }) => references),
    ).map(exactly),
    config: exactly(session.config),
    metadata: exactly(session.metadata),
    ...(run && !isEnded(run) && { active_run: toRunBody(run) }),
  });
}

export function toChatSessionSummary(
  session: ChatSession,
): ChatSessionSummaryDto {
  return Object.assign(headOf(session), { preview: session.preview });
}

export function toChatSessionBody({
  session,
  messages,
  run,
}: {
  session: ChatSession;
  messages: PlacedMessage[];
  run?: ChatRun | null;
}): ChatSessionBody {
  return { chat_session: toChatSession(session, messages, run) };
}

export function toChatSessionListBody({
  sessions,
  next,
}: {
  sessions: ChatSession[];
  next?: ListPosition;
}): ChatSessionListBody {
  return {
    chat_sessions: sessions.map(toChatSessionSummary),
    next_cursor: next ? encodeCursor(next) : null,
  };
}

function headOf(session: ChatSession) {
  return {
    id: session.id,
    title: session.title,
    document_id: session.documentId,
    section_id: session.sectionId,
    context_documents: session.contextDocuments,
    pinned: session.pinned,
    archived: session.archived,
    message_count: existingCountOf(session),
    last_message_at: session.lastMessageAt?.toISOString() ?? null,
    version: session.version,
    ...(session.forkedFrom && { forked_from: session.forkedFrom }),
    ...(session.usage && { usage: session.usage }),
    created_at: session.createdAt.toISOString(),
    updated_at: session.updatedAt.toISOString(),
  } satisfies ChatSessionHead;
}

function withoutRepeats<T extends object>(values: T[]): T[] {
  return [...new Map(values.map((value) => [jsonOf(value), value])).values()];
}
