import { Injectable } from '@nestjs/common';
import { Database } from '../database/database.js';
import { isDuplicateKey } from '../database/errors.js';
import type { UnitOfWork } from '../database/unit-of-work.js';
import { AnswerCache } from './answer-cache.js';
import { ChatMessagesRepository } from './chat-messages.repository.js';
import { ChatMessagesService } from './chat-messages.service.js';
import { ChatSessionsRepository } from './chat-sessions.repository.js';
import {
  derivedTitle,
  fieldsWith,
  newMessages,
  newSession,
  timeOfChange,
} from './conversation.js';
import { decodeCursor, type ListPosition } from './cursor.js';
import type { CreateChatSessionDto } from './dto/create-chat-session.dto.js';
import { PAGE } from './dto/limits.js';
import type {
  GetChatSessionQuery,
  ListChatSessionsQuery,
} from './dto/queries.dto.js';
import type { UpdateChatSessionDto } from './dto/update-chat-session.dto.js';
import type { ChatMessage } from './entities/chat-message.entity.js';
import type {
  ChatSession,
  JsonObject,
} from './entities/chat-session.entity.js';
import type { IdempotencyKey } from './entities/idempotency-key.entity.js';
import { entityTagOf, type IfMatch } from './entity-tag.js';
import { ChatSessionsError } from './errors.js';
import { Idempotency, type Written } from './idempotency.js';
import type { RepeatableRequest } from './idempotency-key.js';

export interface SessionView {
  session: ChatSession;
  /** The newest messages, oldest first. */
  messages: ChatMessage[];
}

/** Without a view where what the caller has is current. */
export interface SessionRead {
  etag: string;
  view?: SessionView;
}

export interface Created extends Written {
  messages: ChatMessage[];
}

export interface SessionPage {
  sessions: ChatSession[];
  /** Where the next page begins; undefined at the end. */
  next?: ListPosition;
}

@Injectable()
export class ChatSessionsService {
  constructor(
    private readonly database: Database,
    private readonly sessions: ChatSessionsRepository,
    private readonly messages: ChatMessagesRepository,
    private readonly conversations: ChatMessagesService,
    private readonly idempotency: Idempotency,
    private readonly cache: AnswerCache,
  ) {}

  /**
   * Creates a session. One with the same id and owner is answered as it is now.
   * Throws `session_id_taken`, `section_taken`, `message_empty`, `key_reused`,
   * `key_in_use`, and EntityNotFoundError where a key's session is gone.
   */
  create(
    ownerId: string,
    input: CreateChatSessionDto,
    request?: RepeatableRequest,
  ): Promise<Created> {
    return this.database.write(this, function* () {
      return yield* this.idempotency.once(
        ownerId,
        request,
        () => this.createNow(ownerId, input),
        (record) => this.createdBefore(record),
      );
    });
  }

  /** The owner's one session of a section, created at need. */
  getOrCreateOfSection(
    ownerId: string,
    documentId: string,
    sectionId: string,
  ): Promise<Created> {
    return this.database.write(this, function* () {
      const session = newSession(
        ownerId,
        { document_id: documentId, section_id: sectionId },
        new Date(),
      );
      try {
        yield* this.sessions.insert(session);
        return { session, messages: [], created: true };
      } catch (error) {
        // To insert first and read on a duplicate needs no lock, and cannot deadlock.
        const stored = isDuplicateKey(error)
          ? yield* this.findOfSection(session)
          : undefined;
        if (!stored) throw error;
        return { ...(yield* this.view(stored)), created: false };
      }
    });
  }

  /**
   * A session with its newest messages.
   * @param isKnown whether an entity tag is of a copy that the caller has: where
   * that is current, nothing more is read
   * @throws EntityNotFoundError
   */
  get(
    ownerId: string,
    id: string,
    { messages: limit }: GetChatSessionQuery,
    isKnown?: (etag: string) => boolean,
  ): Promise<SessionRead> {
    return this.database.read(this, function* () {
      if (isKnown) {
        const etag = entityTagOf(yield* this.sessions.version(ownerId, id));
        if (isKnown(etag)) return { etag };
      }
      const session = yield* this.sessions.get(ownerId, id);
      const view = yield* this.conversations.conversation(session, { limit });
      return { etag: entityTagOf(view.session), view };
    });
  }

  /** A page of the owner's sessions, latest activity first. */
  list(ownerId: string, query: ListChatSessionsQuery): Promise<SessionPage> {
    const { limit, archived, pinned, document_id, section_id, cursor } = query;
    return this.database.read(this, function* () {
      // One more than asked for tells whether there is a next page.
      const found = yield* this.sessions.list(
        ownerId,
        { archived, pinned, documentId: document_id, sectionId: section_id },
        limit + 1,
        cursor === undefined ? undefined : decodeCursor(cursor),
      );
      const sessions = found.slice(0, limit);
      return {
        sessions,
        next: found.length > limit ? sessions.at(-1) : undefined,
      };
    });
  }

  /** The newest messages of the owner's most recently active session; none where there is no session. */
  history(ownerId: string): Promise<ChatMessage[]> {
    return this.database.read(this, function* () {
      for (;;) {
        const latest = yield* this.latest(ownerId);
        if (!latest) return [];
        const session = yield* this.sessions.find(ownerId, latest.id);
        // Where it was deleted since, another one is the latest.
        if (session) return (yield* this.view(session)).messages;
      }
    });
  }

  /** Throws EntityNotFoundError, `version_moved`. */
  update(
    ownerId: string,
    id: string,
    { context_documents: contextDocuments, ...fields }: UpdateChatSessionDto,
    ifMatch?: IfMatch,
  ): Promise<SessionView> {
    const given = Object.entries({ contextDocuments, ...fields }).filter(
      ([, value]) => value !== undefined,
    );
    return this.cache.writing(ownerId, id, () =>
      this.database.write(this, function* () {
        const session = yield* this.lock(ownerId, id, ifMatch);
        if (given.length > 0) {
          yield* this.sessions.update(
            session,
            Object.fromEntries(given),
            timeOfChange(session),
          );
        }
        return yield* this.view(session);
      }),
    );
  }

  /** Throws EntityNotFoundError, `version_moved`. */
  replaceConfig(
    ownerId: string,
    id: string,
    config: JsonObject,
    ifMatch?: IfMatch,
  ): Promise<ChatSession> {
    return this.cache.writing(ownerId, id, () =>
      this.database.write(this, function* () {
        const session = yield* this.lock(ownerId, id, ifMatch);
        yield* this.sessions.update(session, { config }, timeOfChange(session));
        return session;
      }),
    );
  }

  /** Throws EntityNotFoundError, `version_moved`. */
  delete(ownerId: string, id: string, ifMatch?: IfMatch): Promise<void> {
    return this.cache.writing(ownerId, id, () =>
      this.database.write(this, function* () {
        yield* this.sessions.delete(yield* this.lock(ownerId, id, ifMatch));
      }),
    );
  }

  private *createNow(
    ownerId: string,
    input: CreateChatSessionDto,
  ): UnitOfWork<Created> {
    const session = newSession(ownerId, input, new Date());
    const messages = newMessages(
      session,
      input.messages ?? [],
      session.createdAt,
    );
    if (messages.length > 0) {
      const title = session.title ?? derivedTitle(messages);
      Object.assign(session, fieldsWith(session, messages), { title });
    }
    try {
      yield* this.sessions.insert(session);
    } catch (error) {
      if (!isDuplicateKey(error)) throw error;
      return yield* this.repeated(session);
    }
    if (messages.length > 0) yield* this.messages.insert(messages);
    return { ...(yield* this.view(session)), created: true };
  }

  private *createdBefore({
    ownerId,
    sessionId,
  }: IdempotencyKey): UnitOfWork<Created> {
    const session = yield* this.sessions.get(ownerId, sessionId);
    return { ...(yield* this.view(session)), created: true };
  }

  /** The owner's most recently active session, archived or not, as in a list. */
  private *latest(ownerId: string): UnitOfWork<ChatSession | undefined> {
    const newest: ChatSession[] = [];
    for (const archived of [false, true]) {
      newest.push(...(yield* this.sessions.list(ownerId, { archived }, 1)));
    }
    return newest.sort(
      (a, b) => b.lastActivityAt.getTime() - a.lastActivityAt.getTime(),
    )[0];
  }

  /** Answers a create whose id or section is there already. */
  private *repeated(session: ChatSession): UnitOfWork<Created> {
    const { ownerId, id } = session;
    const stored = yield* this.sessions.find(ownerId, id);
    if (stored) return { ...(yield* this.view(stored)), created: false };
    const ofSection = yield* this.findOfSection(session);
    throw new ChatSessionsError(
      ofSection ? 'section_taken' : 'session_id_taken',
    );
  }

  private *findOfSection({
    ownerId,
    documentId,
    sectionId,
  }: ChatSession): UnitOfWork<ChatSession | undefined> {
    if (documentId === null || sectionId === null) return undefined;
    return yield* this.sessions.findOfSection(ownerId, documentId, sectionId);
  }

  private *lock(
    ownerId: string,
    id: string,
    ifMatch?: IfMatch,
  ): UnitOfWork<ChatSession> {
    const session = yield* this.sessions.lock(ownerId, id);
    ifMatch?.check(session);
    return session;
  }

  /** A session with its newest messages. */
  private *view(session: ChatSession): UnitOfWork<SessionView> {
    const limit = PAGE.sessionMessages.default;
    const { messages } = yield* this.messages.page(session, { limit });
    return { session, messages };
  }
}
