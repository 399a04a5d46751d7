import { Injectable } from '@nestjs/common';
import { EntityNotFoundError } from 'typeorm';
import type { UnitOfWork } from '../../database/unit-of-work.js';
import { PAGE } from '../limits.js';
import { MessageReads } from '../messages/message-reads.js';
import { Purger } from '../removal/purger.js';
import { Removal, type Removed } from '../removal/removal.js';
import {
  ChatSessionsRepository,
  type SessionKey,
  type SessionState,
} from '../store/chat-sessions.repository.js';
import type { ChatRun } from '../store/entities/chat-run.entity.js';
import type {
  ChatSession,
  JsonObject,
} from '../store/entities/chat-session.entity.js';
import { type Admit, LargeReads } from '../store/large-reads.js';
import type { PlacedMessage } from '../store/placed-messages.repository.js';
import {
  type ListedSession,
  type ListPosition,
  SessionListsRepository,
} from '../store/session-lists.repository.js';
import { readTagOf } from '../writes/entity-tag.js';
import { RunExpiry } from '../writes/run-expiry.js';
import {
  SessionWrites,
  type WriteOptions,
  type Written,
} from '../writes/session-writes.js';
import { ActivityCorrection } from './activity-correction.js';
import {
  ChatSessionCreation,
  type Created,
  type SectionKey,
} from './chat-session-creation.js';
import { decodeCursor } from './cursor.js';
import type { CreateChatSessionDto } from './dto/create-chat-session.dto.js';
import type { ListChatSessionsQuery } from './dto/list-chat-sessions-query.dto.js';
import {
  MergeChatSessionDto,
  type UpdateChatSessionDto,
} from './dto/update-chat-session.dto.js';
import { mergedFields, replacedFields } from './session-rules.js';

export interface SessionView {
  session: ChatSession;
  /** The newest messages, oldest first. */
  messages: PlacedMessage[];
  /** The run whose answer is being written. */
  run?: ChatRun | null;
}

export interface SessionRead {
  /** Undefined while an answer is being written. */
  etag?: string;
  /** Undefined if `isCurrent` said that the caller's copy is current. */
  view?: SessionView;
}

export interface SessionPage {
  sessions: ChatSession[];
  /** Position of the next page; undefined on the last one. */
  next?: ListPosition;
}

export interface GetSessionOptions {
  /** How many of the newest messages to read: 0 to 200, by default 50. */
  messages?: number;
  /** Called with the entity tag: if it returns true, nothing more is read. */
  isCurrent?: (etag: string) => boolean;
  /** Whether the tag is read first, by a query of its own: the copy is probably current. */
  hasCopy?: boolean;
}

/** `history` reads again if the latest session is deleted meanwhile; more than this many are not. */
const MAX_READS = 10;

@Injectable()
export class ChatSessionsService {
  constructor(
    private readonly reads: LargeReads,
    private readonly sessions: ChatSessionsRepository,
    private readonly lists: SessionListsRepository,
    private readonly activity: ActivityCorrection,
    private readonly messageReads: MessageReads,
    private readonly creation: ChatSessionCreation,
    private readonly writes: SessionWrites,
    private readonly removal: Removal,
    private readonly purger: Purger,
    private readonly expiry: RunExpiry,
  ) {}

  /**
   * Creates a session; returns the existing one if the owner has one with the
   * same id. Throws `session_id_taken`, `session_being_deleted`, `session_differs`, `section_taken`, `message_empty`,
   * `key_reused`, `key_in_use`, and EntityNotFoundError if the session of the
   * Idempotency-Key was deleted.
   */
  create(
    ownerId: string,
    input: CreateChatSessionDto,
    options?: Pick<WriteOptions, 'request'>,
  ): Promise<Created> {
    return this.reads.write((admit) =>
      this.writes.create<Created>(
        ownerId,
        {
          create: () => this.creation.create(ownerId, input, admit),
          replay: (record) => this.creation.findCreated(record, admit),
        },
        options,
      ),
    );
  }

  /** The owner's one session of a section of a document; creates it if there is none. */
  getOrCreateOfSection(ownerId: string, section: SectionKey): Promise<Created> {
    return this.reads.write((admit) =>
      this.writes.create(ownerId, {
        create: () =>
          this.creation.getOrCreateOfSection(ownerId, section, admit),
      }),
    );
  }

  /** A session with its newest messages. Throws EntityNotFoundError. */
  async get(
    key: SessionKey,
    options: GetSessionOptions = {},
  ): Promise<SessionRead> {
    const read = await this.reads.read((admit) =>
      this.read(key, options, admit),
    );
    this.expiry.settle(key, read.view?.run);
    return read;
  }

  /** A page of the owner's sessions, latest activity first. */
  async list(
    ownerId: string,
    query: ListChatSessionsQuery,
  ): Promise<SessionPage> {
    const page = await this.reads.read((admit) =>
      this.readList(ownerId, query, admit),
    );
    this.activity.correct(page.sessions);
    return page;
  }

  /** The newest 50 messages of the owner's most recently active session; none if there is no session. */
  async history(ownerId: string): Promise<PlacedMessage[]> {
    const view = await this.reads.read((admit) =>
      this.readHistory(ownerId, admit),
    );
    if (!view) return [];
    this.activity.correct([view.session]);
    return view.messages;
  }

  /**
   * Replaces the given fields; fields that are undefined stay. A merge patch merges
   * `metadata` and `config` with what they are then, and throws
   * ValidationFailedException if one of them gets too large. Throws
   * EntityNotFoundError, `version_moved`.
   */
  update(
    key: SessionKey,
    changes: UpdateChatSessionDto | MergeChatSessionDto,
    { ifMatch }: Pick<WriteOptions, 'ifMatch'> = {},
  ): Promise<SessionView & Written> {
    return this.reads.write((admit) =>
      this.writes.run(
        key,
        {
          type: 'updated',
          isAllowedDuringRun: true,
          apply: (session, now) =>
            this.applyChanges(session, changes, now, admit),
        },
        { ifMatch },
      ),
    );
  }

  /** Throws EntityNotFoundError, `version_moved`. */
  replaceConfig(
    key: SessionKey,
    config: JsonObject,
    { ifMatch }: Pick<WriteOptions, 'ifMatch'> = {},
  ): Promise<Written> {
    const { sessions } = this;
    function* apply(session: SessionState, now: Date): UnitOfWork<Written> {
      yield* sessions.update(session, { config }, { now });
      return { session, created: false };
    }
    return this.writes.run(
      key,
      { type: 'updated', isAllowedDuringRun: true, apply },
      { ifMatch },
    );
  }

  /** Deletes the session with its messages, also while an answer is being written. Throws EntityNotFoundError, `version_moved`. */
  async delete(
    key: SessionKey,
    { ifMatch }: Pick<WriteOptions, 'ifMatch'> = {},
  ): Promise<void> {
    const { isPurgeNeeded } = await this.writes.run<Removed>(
      key,
      {
        type: 'deleted',
        isAllowedDuringRun: true,
        apply: (session, now) => this.removal.delete(session, now),
      },
      { ifMatch },
    );
    if (isPurgeNeeded) this.purger.wake();
  }

  private *read(
    { ownerId, id }: SessionKey,
    { messages: limit, isCurrent, hasCopy }: GetSessionOptions,
    admit: Admit,
  ): UnitOfWork<SessionRead> {
    if (hasCopy) {
      const etag = readTagOf(yield* this.sessions.version(ownerId, id));
      if (etag !== undefined && isCurrent?.(etag)) return { etag };
    }
    const session = yield* this.sessions.get(ownerId, id);
    const etag = readTagOf(session);
    if (etag !== undefined && isCurrent?.(etag)) return { etag };
    const query = { limit: limit ?? PAGE.sessionMessages.default };
    // It may be of a later version.
    const view = yield* this.messageReads.page(session, query, admit);
    return { etag: readTagOf(view.session), view };
  }

  private *readList(
    ownerId: string,
    query: ListChatSessionsQuery,
    admit: Admit,
  ): UnitOfWork<SessionPage> {
    const { limit, archived, pinned, document_id, section_id, cursor } = query;
    // One more than asked for tells whether there is a next page.
    const found = yield* this.lists.list(
      ownerId,
      { archived, pinned, documentId: document_id, sectionId: section_id },
      {
        limit: limit + 1,
        after: cursor === undefined ? undefined : decodeCursor(cursor),
      },
    );
    const sessions = fitting(found.slice(0, limit));
    admit(sessions.reduce((sum, { contextBytes }) => sum + contextBytes, 0));
    return {
      sessions: yield* this.lists.withContextDocuments(ownerId, sessions),
      next: found.length > sessions.length ? sessions.at(-1) : undefined,
    };
  }

  private *readHistory(
    ownerId: string,
    admit: Admit,
  ): UnitOfWork<SessionView | undefined> {
    for (let reads = 1; reads <= MAX_READS; reads++) {
      const latest = yield* this.latest(ownerId);
      if (!latest) return undefined;
      try {
        const session = yield* this.sessions.get(ownerId, latest.id);
        return yield* this.messageReads.newest(session, admit);
      } catch (error) {
        // It was deleted since: another one is the latest.
        if (!(error instanceof EntityNotFoundError)) throw error;
      }
    }
    throw new Error('The latest session was deleted at each read');
  }

  private *applyChanges(
    state: SessionState,
    changes: UpdateChatSessionDto | MergeChatSessionDto,
    now: Date,
    admit: Admit,
  ): UnitOfWork<SessionView & Written> {
    const fields =
      changes instanceof MergeChatSessionDto
        ? mergedFields(yield* this.sessions.openJson(state), changes)
        : replacedFields(changes);
    if (Object.keys(fields).length > 0) {
      yield* this.sessions.update(state, fields, { now });
    }
    const session = yield* this.sessions.get(state.ownerId, state.id);
    const view = yield* this.messageReads.newest(session, admit);
    return { ...view, created: false };
  }

  /** The owner's most recently active session, archived or not, as in a list. */
  private *latest(ownerId: string): UnitOfWork<ChatSession | undefined> {
    const newest: ChatSession[] = [];
    for (const archived of [false, true]) {
      newest.push(
        ...(yield* this.lists.list(ownerId, { archived }, { limit: 1 })),
      );
    }
    return newest.sort(
      (a, b) => b.lastActivityAt.getTime() - a.lastActivityAt.getTime(),
    )[0];
  }
}

/** The first sessions whose context documents fit into the bytes of a page; at least one. */
function fitting(sessions: ListedSession[]): ListedSession[] {
  let bytes = 0;
  const end = sessions.findIndex(({ contextBytes }, index) => {
    bytes += contextBytes;
    return index > 0 && bytes > PAGE.bytes;
  });
  return end === -1 ? sessions : sessions.slice(0, end);
}
