import { Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import {
  EntityNotFoundError,
  Repository,
  type SelectQueryBuilder,
} from 'typeorm';
import { Database } from '../../database/database.js';
import {
  cachedSelect,
  select,
  selectFrom,
  Table,
} from '../../database/statements.js';
import {
  execute,
  type Statement,
  type UnitOfWork,
} from '../../database/unit-of-work.js';
import { ChatSession } from './entities/chat-session.entity.js';
import { newRevision } from './revision.js';

export type SessionKey = Pick<ChatSession, 'ownerId' | 'id'>;

/** The columns that a change needs. Leaves out config, metadata and context_documents (up to 64 KiB each). */
export type SessionState = SessionKey &
  Pick<ChatSession, (typeof STATE)[number]>;

/** The owner of sessions that nobody sees: they were deleted and wait for the removal of their messages, or are being copied. Not an id that anyone can have. */
const NOBODY = '';

/** Statements on sessions. Every one names the owner. */
@Injectable()
export class ChatSessionsRepository {
  private readonly selectById = cachedSelect((key: SessionKey) =>
    this.byId(key),
  );
  private readonly selectState = cachedSelect((key: SessionKey) =>
    this.byId(key, STATE),
  );
  private readonly selectForUpdate = cachedSelect((key: SessionKey) =>
    this.database.forUpdate(this.byId(key, STATE)),
  );
  private readonly selectOpenJson = cachedSelect((key: SessionKey) =>
    this.database.forUpdate(this.byId(key, ['metadata', 'config'])),
  );
  private readonly selectVersion = cachedSelect((key: SessionKey) =>
    this.byId(key, ['createdAt', 'version', 'revision', 'activeRunSeq']),
  );
  private readonly table: Table<ChatSession>;

  constructor(
    @InjectRepository(ChatSession)
    private readonly sessions: Repository<ChatSession>,
    private readonly database: Database,
  ) {
    this.table = new Table(sessions);
  }

  /** Throws EntityNotFoundError if the owner has no such session. */
  *get(ownerId: string, id: string): UnitOfWork<ChatSession> {
    return orNotFound(yield* this.find(ownerId, id), id);
  }

  *find(ownerId: string, id: string): UnitOfWork<ChatSession | undefined> {
    const [session] = yield* this.selectById({ ownerId, id });
    return session;
  }

  /** Like `get`, with the columns of the entity tag only. */
  *version(ownerId: string, id: string): UnitOfWork<ChatSession> {
    const [session] = yield* this.selectVersion({ ownerId, id });
    return orNotFound(session, id);
  }

  /** Like `get`, but only what a change needs. */
  *state(ownerId: string, id: string): UnitOfWork<SessionState> {
    const [session] = yield* this.selectState({ ownerId, id });
    return Object.assign(orNotFound(session, id), { ownerId, id });
  }

  /** Like `state`; locks the session until the transaction ends. */
  *lock(ownerId: string, id: string): UnitOfWork<SessionState> {
    return orNotFound(yield* this.tryLock(ownerId, id), id);
  }

  /** Like `lock`; undefined if the owner has no such session. */
  *tryLock(ownerId: string, id: string): UnitOfWork<SessionState | undefined> {
    const [session] = yield* this.selectForUpdate({ ownerId, id });
    return session && Object.assign(session, { ownerId, id });
  }

  /** The open JSON of a locked session, as it is now. */
  *openJson({
    ownerId,
    id,
  }: SessionKey): UnitOfWork<Pick<ChatSession, 'metadata' | 'config'>> {
    const [session] = yield* this.selectOpenJson({ ownerId, id });
    return orNotFound(session, id);
  }

  *findOfSection(
    ownerId: string,
    documentId: string,
    sectionId: string,
  ): UnitOfWork<ChatSession | undefined> {
    const [session] = yield* select(
      this.query().where({ ownerId, documentId, sectionId }),
    );
    return session;
  }

  /** Throws the driver's error if the id or the section is taken. */
  *insert(session: ChatSession): UnitOfWork<void> {
    yield* execute(this.table.insert([session]));
  }

  /** Stores a session that nobody sees until `publish`. */
  *insertHidden(session: ChatSession): UnitOfWork<void> {
    const hidden = Object.assign(new ChatSession(), session, {
      ownerId: NOBODY,
    });
    yield* this.insert(hidden);
  }

  /** Gives a hidden session its owner, and changes fields of it. */
  *publish(
    { id, ownerId }: SessionKey,
    fields: Partial<ChatSession>,
  ): UnitOfWork<void> {
    yield* execute(
      this.table.update({ id, ownerId: NOBODY }, { ownerId, ...fields }),
    );
  }

  /**
   * Changes fields of a locked session, its version and the time of its change.
   *
   * @param first is run before and together with it; if it fails, the session stays as it was
   */
  *update(
    session: SessionState,
    fields: Partial<ChatSession>,
    {
      now,
      first = [],
      last = [],
    }: { now: Date; first?: Statement[]; last?: Statement[] },
  ): UnitOfWork<void> {
    const changes = {
      ...fields,
      version: session.version + 1,
      revision: newRevision(),
      updatedAt: now,
    };
    const { id, ownerId } = session;
    const update = this.table.update({ id, ownerId }, changes);
    yield* execute(...first, update, ...last);
    Object.assign(session, changes);
  }

  /**
   * Takes a session from its owner, with all that it says: nobody sees it any
   * more. Its id stays taken until `deleteDisowned`.
   */
  *disown({ id, ownerId }: SessionKey): UnitOfWork<void> {
    const gone = {
      ownerId: NOBODY,
      title: null,
      documentId: null,
      sectionId: null,
      contextDocuments: [],
      config: {},
      metadata: {},
      preview: null,
      stretches: null,
      forkedFrom: null,
    };
    yield* execute(this.table.update({ id, ownerId }, gone));
  }

  isDisowned({ ownerId }: SessionState): boolean {
    return ownerId === NOBODY;
  }

  *hasDisowned(id: string): UnitOfWork<boolean> {
    const [session] = yield* this.selectVersion({ ownerId: NOBODY, id });
    return session !== undefined;
  }

  /** Locks the session with an id, whoever owns it. */
  *lockById(id: string): UnitOfWork<SessionState | undefined> {
    const [session] = yield* select(
      this.database.forUpdate(
        this.query(['id', 'ownerId', ...STATE]).where({ id }),
      ),
    );
    return session;
  }

  /** Deletes a session that has no owner, if there is one with this id. */
  *deleteDisowned(id: string): UnitOfWork<void> {
    yield* this.delete({ ownerId: NOBODY, id });
  }

  /** Deletes a session with its messages. */
  *delete({ id, ownerId }: SessionKey): UnitOfWork<void> {
    yield* execute(
      this.sessions.createQueryBuilder().delete().where({ id, ownerId }),
    );
  }

  private byId(
    { ownerId, id }: SessionKey,
    columns?: readonly (keyof ChatSession)[],
  ): SelectQueryBuilder<ChatSession> {
    return this.query(columns).where({ id, ownerId });
  }

  private query(
    columns?: readonly (keyof ChatSession)[],
  ): SelectQueryBuilder<ChatSession> {
    return selectFrom(this.sessions, 'session', columns);
  }
}

/** The columns of `SessionState` without those of the key. */
export const STATE = [
  'title',
  'messageCount',
  'lastSeq',
  'newestSeq',
  'newestId',
  'deletedCount',
  'firstSeq',
  'leafSeq',
  'treeRevision',
  'activeRunSeq',
  'maxMessageBytes',
  'version',
  'revision',
  'createdAt',
  'updatedAt',
] as const satisfies readonly (keyof ChatSession)[];

function orNotFound<Session extends object>(
  session: Session | undefined,
  id: string,
): Session {
  if (!session) throw new EntityNotFoundError(ChatSession, { id });
  return session;
}
