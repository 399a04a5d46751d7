import { Injectable } from '@nestjs/common';
import { isDuplicateKey } from '../../database/errors.js';
import { COMMIT, type UnitOfWork } from '../../database/unit-of-work.js';
import { ChatSessionsError } from '../errors.js';
import { Purger } from '../removal/purger.js';
import { Removal, type Removed } from '../removal/removal.js';
import {
  ChatMessagesRepository,
  type MessagePage,
} from '../store/chat-messages.repository.js';
import {
  ChatSessionsRepository,
  type SessionKey,
  type SessionState,
} from '../store/chat-sessions.repository.js';
import type { ChatMessage } from '../store/entities/chat-message.entity.js';
import type { ChatSession } from '../store/entities/chat-session.entity.js';
import { type Admit, LargeReads } from '../store/large-reads.js';
import { lengthOf, type MessagePageQuery } from '../store/message-range.js';
import type { IdempotencyKey } from '../writes/idempotency/idempotency-key.entity.js';
import {
  SessionWrites,
  type WriteOptions,
  type Written,
} from '../writes/session-writes.js';
import type { CreateChatMessageDto } from './dto/create-chat-message.dto.js';
import {
  derivedTitle,
  fieldsWith,
  isRepeated,
  mostBytesOf,
  newMessages,
  refuseEmpty,
  startOfLine,
} from './message-rules.js';

/** A session with a page of its messages, both read at one moment. */
export interface SessionWithPage extends MessagePage {
  session: ChatSession;
}

export interface Appended extends Written {
  messages: ChatMessage[];
}

/** Messages, and characters of one, that are looked at for a text. */
const MAX_BLANK = 100;

/** A clear between the two reads of a page makes it read again; more than this many do not come. */
const MAX_READS = 10;

@Injectable()
export class ChatMessagesService {
  constructor(
    private readonly reads: LargeReads,
    private readonly sessions: ChatSessionsRepository,
    private readonly messages: ChatMessagesRepository,
    private readonly writes: SessionWrites,
    private readonly removal: Removal,
    private readonly purger: Purger,
  ) {}

  /**
   * Appends 1 to 100 messages, all or none. The cost does not depend on the
   * length of the conversation. Throws EntityNotFoundError, `message_empty`,
   * `message_id_taken`, `version_moved`, `key_reused`, `key_in_use`,
   * `messages_gone`.
   */
  append(
    key: SessionKey,
    inputs: CreateChatMessageDto[],
    options?: WriteOptions,
  ): Promise<Appended> {
    return this.writes.run<Appended>(
      key,
      {
        type: 'appended',
        validate: () => refuseEmpty(inputs),
        apply: (session, now) => this.insert(session, inputs, now),
        findRepeated: (session) => this.findRepeated(session, inputs),
        replay: (record) => this.findAppended(record),
      },
      options,
    );
  }

  /**
   * Deletes the messages and keeps the session. Throws EntityNotFoundError,
   * `version_moved`, `key_reused`, `key_in_use`.
   */
  async clear(key: SessionKey, options?: WriteOptions): Promise<Written> {
    const cleared = await this.writes.run<Removed>(
      key,
      {
        type: 'cleared',
        apply: (session, now) => this.removal.clear(session, now),
        replay: (record) => this.findCleared(record),
      },
      options,
    );
    if (cleared.isPurgeNeeded) this.purger.wake();
    return cleared;
  }

  /** Throws EntityNotFoundError. */
  page(key: SessionKey, query: MessagePageQuery): Promise<SessionWithPage> {
    return this.reads.read((admit) => this.readPage(key, query, admit));
  }

  /** Throws EntityNotFoundError. */
  get(key: SessionKey, messageId: string): Promise<ChatMessage> {
    return this.reads.read((admit) => this.read(key, messageId, admit));
  }

  /**
   * A page of a session that was just read. A clear between the two reads
   * leaves the page short; then both are read again. Throws an Error if the
   * page stays short: the session counts messages that it does not have.
   */
  *pageOf(
    session: ChatSession,
    query: MessagePageQuery,
    admit: Admit,
  ): UnitOfWork<SessionWithPage> {
    const { ownerId, id } = session;
    for (let reads = 1; reads <= MAX_READS; reads++) {
      const page = yield* this.messages.page(session, query, admit);
      if (page.messages.length === lengthOf(page.range)) {
        return { session, ...page };
      }
      session = yield* this.sessions.get(ownerId, id);
    }
    throw new Error(`The chat session ${id} has other messages than it counts`);
  }

  private *readPage(
    { ownerId, id }: SessionKey,
    query: MessagePageQuery,
    admit: Admit,
  ): UnitOfWork<SessionWithPage> {
    const session = yield* this.sessions.get(ownerId, id);
    return yield* this.pageOf(session, query, admit);
  }

  private *read(
    { ownerId, id }: SessionKey,
    messageId: string,
    admit: Admit,
  ): UnitOfWork<ChatMessage> {
    // Every read goes through its session, which decides whether it can be seen.
    const session = yield* this.sessions.state(ownerId, id);
    admit(yield* this.messages.bytesOf(session, [messageId]));
    return yield* this.messages.get(session, messageId);
  }

  private *insert(
    session: SessionState,
    inputs: CreateChatMessageDto[],
    now: Date,
  ): UnitOfWork<Appended> {
    const messages = newMessages(session, inputs, now);
    const title = session.title ?? (yield* this.firstTitle(session, messages));
    const fields = { title, ...fieldsWith(session, messages) };
    const first = [this.messages.insertion(messages)];
    const changes = { now, first, last: [COMMIT] };
    try {
      yield* this.sessions.update(session, fields, changes);
    } catch (error) {
      if (!isDuplicateKey(error)) throw error;
      // Ids of cleared messages are free, also while their rows wait for their removal.
      const ids = messages.map(({ id }) => id);
      if (!(yield* this.messages.deleteCleared(session, ids))) throw error;
      yield* this.sessions.update(session, fields, changes);
    }
    return { session, messages, created: true };
  }

  /** Undefined if none of the inputs is stored. Throws `message_id_taken` if only some are, or with other content. */
  private *findRepeated(
    session: SessionState,
    inputs: CreateChatMessageDto[],
  ): UnitOfWork<Appended | undefined> {
    const ids = inputs.flatMap(({ id }) => id ?? []);
    if (ids.length === 0) return undefined;
    const stored = yield* this.messages.bytesOf(session, ids);
    if (stored > 0) {
      const sent = newMessages(session, inputs, session.updatedAt);
      if (stored > mostBytesOf(sent)) {
        throw new ChatSessionsError('message_id_taken');
      }
    }
    const found = yield* this.messages.findAll(session, ids);
    if (found.size === 0) return undefined;
    const messages = inputs.map((input) => {
      const stored = input.id && found.get(input.id);
      if (!stored || !isRepeated(stored, input)) {
        throw new ChatSessionsError('message_id_taken');
      }
      return stored;
    });
    return { session, messages, created: false };
  }

  private *findAppended({
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

  private *findCleared({
    ownerId,
    sessionId,
  }: IdempotencyKey): UnitOfWork<Removed> {
    const session = yield* this.sessions.get(ownerId, sessionId);
    return { session, created: false, isPurgeNeeded: false };
  }

  /** A title only if the session's first user message with a text is among the new ones: a cleared title stays cleared. */
  private *firstTitle(
    session: SessionState,
    messages: ChatMessage[],
  ): UnitOfWork<string | null> {
    const title = derivedTitle(messages);
    if (title === null || session.messageCount === 0) return title;
    return (yield* this.hasUserText(session)) ? null : title;
  }

  /** Messages with a picture may have a text that is blank. Many of them, or a long one, count as a text. */
  private *hasUserText(session: SessionState): UnitOfWork<boolean> {
    const limits = { messages: MAX_BLANK, characters: MAX_BLANK };
    const texts = yield* this.messages.firstTexts(session, 'user', limits);
    return (
      texts.length === MAX_BLANK ||
      texts.some((text) => text.length === MAX_BLANK || startOfLine(text))
    );
  }
}
