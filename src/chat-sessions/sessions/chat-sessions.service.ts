import { Injectable } from '@nestjs/common';
import { Database } from '../../database/database.js';
import type { UnitOfWork } from '../../database/unit-of-work.js';
import { AnswerCache } from '../writes/response-cache.js';
import { ChatMessagesRepository } from '../store/chat-messages.repository.js';
import { ChatMessagesService } from '../messages/chat-messages.service.js';
import { ChatSessionCreation, type Created } from './chat-session-creation.js';
import { ChatSessionsRepository } from '../store/chat-sessions.repository.js';
import { timeOfChange } from '../messages/message-rules.js';
import { decodeCursor, type ListPosition } from './cursor.js';
import type { CreateChatSessionDto } from './dto/create-chat-session.dto.js';
import type {
  GetChatSessionQuery,
  ListChatSessionsQuery,
} from './dto/queries.dto.js';
import type { UpdateChatSessionDto } from './dto/update-chat-session.dto.js';
import type { ChatMessage } from '../store/entities/chat-message.entity.js';
import type {
  ChatSession,
  JsonObject,
} from '../store/entities/chat-session.entity.js';
import { entityTagOf, type IfMatch } from '../writes/entity-tag.js';
import { Idempotency } from '../writes/idempotency/idempotency.js';
import type { RepeatableRequest } from '../writes/idempotency/idempotency-key.js';

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
    private readonly creation: ChatSessionCreation,
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
    return this.database.write(() =>
      this.idempotency.once(
        ownerId,
        request,
        () => this.creation.create(ownerId, input),
        (record) => this.creation.createdBefore(record),
      ),
    );
  }

  /** The owner's one session of a section, created at need. */
  getOrCreateOfSection(
    ownerId: string,
    documentId: string,
    sectionId: string,
  ): Promise<Created> {
    return this.database.write(() =>
      this.creation.getOrCreateOfSection(ownerId, documentId, sectionId),
    );
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
    return this.database.read(() => this.getNow(ownerId, id, limit, isKnown));
  }

  /** A page of the owner's sessions, latest activity first. */
  list(ownerId: string, query: ListChatSessionsQuery): Promise<SessionPage> {
    return this.database.read(() => this.listNow(ownerId, query));
  }

  /** The newest messages of the owner's most recently active session; none where there is no session. */
  history(ownerId: string): Promise<ChatMessage[]> {
    return this.database.read(() => this.historyNow(ownerId));
  }

  /** Throws EntityNotFoundError, `version_moved`. */
  update(
    ownerId: string,
    id: string,
    input: UpdateChatSessionDto,
    ifMatch?: IfMatch,
  ): Promise<SessionView> {
    return this.cache.writing(ownerId, id, () =>
      this.database.write(() => this.updateNow(ownerId, id, input, ifMatch)),
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
      this.database.write(() =>
        this.replaceConfigNow(ownerId, id, config, ifMatch),
      ),
    );
  }

  /** Throws EntityNotFoundError, `version_moved`. */
  delete(ownerId: string, id: string, ifMatch?: IfMatch): Promise<void> {
    return this.cache.writing(ownerId, id, () =>
      this.database.write(() => this.deleteNow(ownerId, id, ifMatch)),
    );
  }

  private *getNow(
    ownerId: string,
    id: string,
    limit: number,
    isKnown?: (etag: string) => boolean,
  ): UnitOfWork<SessionRead> {
    if (isKnown) {
      const etag = entityTagOf(yield* this.sessions.version(ownerId, id));
      if (isKnown(etag)) return { etag };
    }
    const session = yield* this.sessions.get(ownerId, id);
    const view = yield* this.conversations.conversation(session, { limit });
    return { etag: entityTagOf(view.session), view };
  }

  private *listNow(
    ownerId: string,
    query: ListChatSessionsQuery,
  ): UnitOfWork<SessionPage> {
    const { limit, archived, pinned, document_id, section_id, cursor } = query;
    // One more than asked for tells whether there is a next page.
    const found = yield* this.sessions.list(
      ownerId,
      { archived, pinned, documentId: document_id, sectionId: section_id },
      {
        limit: limit + 1,
        after: cursor === undefined ? undefined : decodeCursor(cursor),
      },
    );
    const sessions = found.slice(0, limit);
    return {
      sessions,
      next: found.length > limit ? sessions.at(-1) : undefined,
    };
  }

  private *historyNow(ownerId: string): UnitOfWork<ChatMessage[]> {
    for (;;) {
      const latest = yield* this.latest(ownerId);
      if (!latest) return [];
      const session = yield* this.sessions.find(ownerId, latest.id);
      // Where it was deleted since, another one is the latest.
      if (session) return yield* this.messages.newest(session);
    }
  }

  private *updateNow(
    ownerId: string,
    id: string,
    { context_documents: contextDocuments, ...fields }: UpdateChatSessionDto,
    ifMatch?: IfMatch,
  ): UnitOfWork<SessionView> {
    const session = yield* this.lock(ownerId, id, ifMatch);
    const given = Object.entries({ contextDocuments, ...fields }).filter(
      ([, value]) => value !== undefined,
    );
    if (given.length > 0) {
      const changes = Object.fromEntries(given);
      yield* this.sessions.update(session, changes, timeOfChange(session));
    }
    return { session, messages: yield* this.messages.newest(session) };
  }

  private *replaceConfigNow(
    ownerId: string,
    id: string,
    config: JsonObject,
    ifMatch?: IfMatch,
  ): UnitOfWork<ChatSession> {
    const session = yield* this.lock(ownerId, id, ifMatch);
    yield* this.sessions.update(session, { config }, timeOfChange(session));
    return session;
  }

  private *deleteNow(
    ownerId: string,
    id: string,
    ifMatch?: IfMatch,
  ): UnitOfWork<void> {
    yield* this.sessions.delete(yield* this.lock(ownerId, id, ifMatch));
  }

  /** The owner's most recently active session, archived or not, as in a list. */
  private *latest(ownerId: string): UnitOfWork<ChatSession | undefined> {
    const newest: ChatSession[] = [];
    for (const archived of [false, true]) {
      newest.push(
        ...(yield* this.sessions.list(ownerId, { archived }, { limit: 1 })),
      );
    }
    return newest.sort(
      (a, b) => b.lastActivityAt.getTime() - a.lastActivityAt.getTime(),
    )[0];
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
}
