import { Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import {
  EntityNotFoundError,
  type QueryDeepPartialEntity,
  Repository,
  type SelectQueryBuilder,
} from 'typeorm';
import { Database } from '../database/database.js';
import { execute, select, type UnitOfWork } from '../database/unit-of-work.js';
import type { ListPosition } from './cursor.js';
import { ChatSession } from './entities/chat-session.entity.js';

export interface ListFilter {
  archived: boolean;
  pinned?: boolean;
  documentId?: string;
  sectionId?: string;
}

/** The statements on sessions. The owner is in every one. */
@Injectable()
export class ChatSessionsRepository {
  constructor(
    @InjectRepository(ChatSession)
    private readonly sessions: Repository<ChatSession>,
    private readonly database: Database,
  ) {}

  /** Throws EntityNotFoundError where the owner has no such session. */
  *get(ownerId: string, id: string): UnitOfWork<ChatSession> {
    return orNotFound(yield* this.find(ownerId, id), id);
  }

  *find(ownerId: string, id: string): UnitOfWork<ChatSession | undefined> {
    const [session] = yield* select(this.byId(ownerId, id));
    return session;
  }

  /** As `get`, of what the entity tag is made. */
  *version(ownerId: string, id: string): UnitOfWork<ChatSession> {
    const [session] = yield* select(
      this.byId(ownerId, id).select(['session.createdAt', 'session.version']),
    );
    return orNotFound(session, id);
  }

  /** As `get`, and nobody else changes the session until the transaction ends. */
  *lock(ownerId: string, id: string): UnitOfWork<ChatSession> {
    const query = this.database.forUpdate(this.byId(ownerId, id));
    const [session] = yield* select(query);
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

  /** Latest activity first, without config and metadata. */
  *list(
    ownerId: string,
    { archived, pinned, documentId, sectionId }: ListFilter,
    limit: number,
    after?: ListPosition,
  ): UnitOfWork<ChatSession[]> {
    const query = this.query()
      .select(LISTED.map((column) => `session.${column}`))
      .where({
        ownerId,
        archived,
        ...(pinned !== undefined && { pinned }),
        ...(documentId !== undefined && { documentId }),
        ...(sectionId !== undefined && { sectionId }),
      })
      .orderBy('session.lastActivityAt', 'DESC')
      .addOrderBy('session.id', 'DESC')
      .limit(limit);
    if (after) {
      // The first condition alone lets the index start at the cursor.
      query
        .andWhere('session.lastActivityAt <= :lastActivityAt', after)
        .andWhere(
          '(session.lastActivityAt < :lastActivityAt OR session.id < :id)',
          after,
        );
    }
    return yield* select(query);
  }

  /** Throws the driver's error where id or section are taken. */
  *insert(session: ChatSession): UnitOfWork<void> {
    yield* execute(
      this.sessions
        .createQueryBuilder()
        .insert()
        .values(session as QueryDeepPartialEntity<ChatSession>)
        .updateEntity(false),
    );
  }

  /** Changes a locked session: the given fields, a new version, and the time. */
  *update(
    session: ChatSession,
    fields: Partial<ChatSession>,
    now: Date,
  ): UnitOfWork<void> {
    const changes = {
      ...fields,
      version: session.version + 1,
      updatedAt: now,
    };
    Object.assign(session, changes);
    yield* execute(
      this.sessions
        .createQueryBuilder()
        .update()
        .set(changes as QueryDeepPartialEntity<ChatSession>)
        .where({ id: session.id, ownerId: session.ownerId }),
    );
  }

  /** Its messages go with it. */
  *delete({ id, ownerId }: ChatSession): UnitOfWork<void> {
    yield* execute(
      this.sessions.createQueryBuilder().delete().where({ id, ownerId }),
    );
  }

  private byId(ownerId: string, id: string): SelectQueryBuilder<ChatSession> {
    return this.query().where({ id, ownerId });
  }

  private query(): SelectQueryBuilder<ChatSession> {
    return this.sessions.createQueryBuilder('session');
  }
}

const LISTED = [
  'id',
  'ownerId',
  'title',
  'documentId',
  'sectionId',
  'contextDocuments',
  'pinned',
  'archived',
  'messageCount',
  'preview',
  'lastMessageAt',
  'lastActivityAt',
  'version',
  'createdAt',
  'updatedAt',
] as const satisfies readonly (keyof ChatSession)[];

function orNotFound(session: ChatSession | undefined, id: string): ChatSession {
  if (!session) throw new EntityNotFoundError(ChatSession, { id });
  return session;
}
