import { Injectable } from '@nestjs/common';
import { AnswerCache } from '../writes/response-cache.js';
import { Database } from '../../database/database.js';
import { isDuplicateKey } from '../../database/errors.js';
import type { UnitOfWork } from '../../database/unit-of-work.js';
import {
  ChatMessagesRepository,
  type MessagePage,
} from '../store/chat-messages.repository.js';
import {
  ChatSessionsRepository,
  type SessionState,
} from '../store/chat-sessions.repository.js';
import {
  derivedTitle,
  fieldsWith,
  isRepeated,
  newMessages,
  NO_MESSAGES,
  timeOfChange,
} from './message-rules.js';
import type { CreateChatMessageDto } from './dto/create-chat-message.dto.js';
import type { ChatMessage } from '../store/entities/chat-message.entity.js';
import type { ChatSession } from '../store/entities/chat-session.entity.js';
import type { IdempotencyKey } from '../writes/idempotency/idempotency-key.entity.js';
import type { IfMatch } from '../writes/entity-tag.js';
import { ChatSessionsError } from '../errors.js';
import {
  Idempotency,
  type Written,
} from '../writes/idempotency/idempotency.js';
import type { RepeatableRequest } from '../writes/idempotency/idempotency-key.js';
import { lengthOf, type MessagePageQuery } from '../store/message-range.js';

/** A session with a page of its messages, of one moment. */
export interface Conversation extends MessagePage {
  session: ChatSession;
}

export interface Appended extends Written {
  messages: ChatMessage[];
}

/** More clears than this do not come between the reads of one page. */
const MOST_READS = 10;

@Injectable()
export class ChatMessagesService {
  constructor(
    private readonly database: Database,
    private readonly sessions: ChatSessionsRepository,
    private readonly messages: ChatMessagesRepository,
    private readonly idempotency: Idempotency,
    private readonly cache: AnswerCache,
  ) {}

  /**
   * Appends messages, all or none. Its cost does not depend on how many there
   * are. Throws EntityNotFoundError, `message_empty`, `message_id_taken`,
   * `version_moved`, `key_reused`, `key_in_use`, `messages_gone`.
   */
  append(
    ownerId: string,
    sessionId: string,
    inputs: CreateChatMessageDto[],
    ifMatch?: IfMatch,
    request?: RepeatableRequest,
  ): Promise<Appended> {
    return this.cache.writing(ownerId, sessionId, () =>
      this.database.write(() =>
        this.idempotency.once(
          ownerId,
          request,
          () => this.appendNow(ownerId, sessionId, inputs, ifMatch),
          (record) => this.appendedBefore(record),
        ),
      ),
    );
  }

  /**
   * Deletes the messages and keeps the session. Throws EntityNotFoundError,
   * `version_moved`, `key_reused`, `key_in_use`.
   */
  clear(
    ownerId: string,
    id: string,
    ifMatch?: IfMatch,
    request?: RepeatableRequest,
  ): Promise<Written> {
    return this.cache.writing(ownerId, id, () =>
      this.database.write(() =>
        this.idempotency.once(
          ownerId,
          request,
          () => this.clearNow(ownerId, id, ifMatch),
          (record) => this.clearedBefore(record),
        ),
      ),
    );
  }

  /** Throws EntityNotFoundError. */
  page(
    ownerId: string,
    sessionId: string,
    query: MessagePageQuery,
  ): Promise<Conversation> {
    return this.database.read(() => this.pageNow(ownerId, sessionId, query));
  }

  /** Throws EntityNotFoundError. */
  get(
    ownerId: string,
    sessionId: string,
    messageId: string,
  ): Promise<ChatMessage> {
    return this.database.read(() =>
      this.messages.get(ownerId, sessionId, messageId),
    );
  }

  /**
   * The messages of a session that was just read, and the session, as one moment
   * saw them. A clear that came between the two reads leaves the page short;
   * then both are read again. What stays short is no clear, and an error rather
   * than a loop without end.
   */
  *conversation(
    session: ChatSession,
    query: MessagePageQuery,
  ): UnitOfWork<Conversation> {
    const { ownerId, id } = session;
    for (let reads = 1; reads <= MOST_READS; reads++) {
      const page = yield* this.messages.page(session, query);
      if (page.messages.length === lengthOf(page.range)) {
        return { session, ...page };
      }
      session = yield* this.sessions.get(ownerId, id);
    }
    throw new Error(`The chat session ${id} has other messages than it counts`);
  }

  private *pageNow(
    ownerId: string,
    sessionId: string,
    query: MessagePageQuery,
  ): UnitOfWork<Conversation> {
    const session = yield* this.sessions.get(ownerId, sessionId);
    return yield* this.conversation(session, query);
  }

  private *appendNow(
    ownerId: string,
    sessionId: string,
    inputs: CreateChatMessageDto[],
    ifMatch?: IfMatch,
  ): UnitOfWork<Appended> {
    const session = yield* this.sessions.lockState(ownerId, sessionId);
    const now = timeOfChange(session);
    const messages = newMessages(session, inputs, now);
    const title = session.title ?? (yield* this.firstTitle(session, messages));
    try {
      ifMatch?.check(session);
      yield* this.messages.insert(messages);
    } catch (error) {
      // Looked up only now: messages that come again are rare.
      const stored =
        isRefusal(error) && (yield* this.repeated(session, inputs));
      if (!stored) throw error;
      return { session, messages: stored, created: false };
    }
    yield* this.sessions.update(
      session,
      { title, ...fieldsWith(session, messages) },
      now,
    );
    return { session, messages, created: true };
  }

  private *appendedBefore({
    ownerId,
    sessionId,
    messageIds,
  }: IdempotencyKey): UnitOfWork<Appended> {
    const session = yield* this.sessions.get(ownerId, sessionId);
    const found = yield* this.messages.findAll(session, messageIds);
    const messages = messageIds.map((id) => {
      const message = found.get(id);
      if (!message) throw new ChatSessionsError('messages_gone');
      return message;
    });
    return { session, messages, created: true };
  }

  private *clearNow(
    ownerId: string,
    id: string,
    ifMatch?: IfMatch,
  ): UnitOfWork<Written> {
    const session = yield* this.sessions.lockState(ownerId, id);
    ifMatch?.check(session);
    yield* this.messages.deleteAll(session);
    yield* this.sessions.update(session, NO_MESSAGES, timeOfChange(session));
    return { session, created: false };
  }

  private *clearedBefore({
    ownerId,
    sessionId,
  }: IdempotencyKey): UnitOfWork<Written> {
    const session = yield* this.sessions.get(ownerId, sessionId);
    return { session, created: false };
  }

  /** The stored messages, where all of these were appended before; throws `message_id_taken` where only some were, or others. */
  private *repeated(
    session: SessionState,
    inputs: CreateChatMessageDto[],
  ): UnitOfWork<ChatMessage[] | undefined> {
    const ids = inputs.flatMap(({ id }) => id ?? []);
    if (ids.length === 0) return undefined;
    const found = yield* this.messages.findAll(session, ids);
    if (found.size === 0) return undefined;
    return inputs.map((input) => {
      const stored = input.id && found.get(input.id);
      if (!stored || !isRepeated(stored, input)) {
        throw new ChatSessionsError('message_id_taken');
      }
      return stored;
    });
  }

  /** A title only where the session's first user message is among the new ones: a cleared title stays cleared. */
  private *firstTitle(
    session: SessionState,
    messages: ChatMessage[],
  ): UnitOfWork<string | null> {
    const title = derivedTitle(messages);
    if (title === null || session.messageCount === 0) return title;
    const first = yield* this.messages.findFirst(session, 'user');
    return first ? null : title;
  }
}

/** Whether the store is as it was, and a request that is sent again would get it. */
function isRefusal(error: unknown): boolean {
  return isDuplicateKey(error) || error instanceof ChatSessionsError;
}
