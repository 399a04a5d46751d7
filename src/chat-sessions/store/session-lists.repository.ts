import { Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import { In, Repository, type SelectQueryBuilder } from 'typeorm';
import { Database } from '../../database/database.js';
import {
  cachedSelect,
  select,
  selectFrom,
  Table,
} from '../../database/statements.js';
import { execute, type UnitOfWork } from '../../database/unit-of-work.js';
import { ChatSession } from './entities/chat-session.entity.js';

export interface ListFilter {
  archived: boolean;
  pinned?: boolean;
  documentId?: string;
  sectionId?: string;
}

/** A position in an owner's list: after this session. */
export interface ListPosition {
  lastActivityAt: Date;
  id: string;
}

export interface ListPage {
  /** The largest number of sessions. */
  limit: number;
  /** The last session of the page before. */
  after?: ListPosition;
}

/** A session as a list has it. */
export interface ListedSession extends ChatSession {
  /** Size of the context documents as JSON, which are not read yet. */
  contextBytes: number;
}

/** No context documents as JSON. */
const NO_DOCUMENTS = '[]';

function hasDocuments({ contextBytes }: ListedSession): boolean {
  return contextBytes > NO_DOCUMENTS.length;
}

/** The filter of a list, and the position after which it begins. */
type ListValues = Partial<ChatSession>;

/** Statements on lists of sessions. Every one names the owner. */
@Injectable()
export class SessionListsRepository {
  private readonly selectList = cachedSelect((values: ListValues) =>
    this.listed(values),
  );

  private readonly table: Table<ChatSession>;

  constructor(
    @InjectRepository(ChatSession)
    private readonly sessions: Repository<ChatSession>,
    private readonly database: Database,
  ) {
    this.table = new Table(sessions);
  }

  /** Latest activity first, without config, metadata and context documents. */
  *list(
    ownerId: string,
    { archived, pinned, documentId, sectionId }: ListFilter,
    { limit, after }: ListPage,
  ): UnitOfWork<ListedSession[]> {
    const filter = {
      ownerId,
      archived,
      ...(pinned !== undefined && { pinned }),
      ...(documentId !== undefined && { documentId }),
      ...(sectionId !== undefined && { sectionId }),
    };
    const { lastActivityAt, id } = after ?? {};
    const values = after ? { lastActivityAt, id, ...filter } : filter;
    const rows = (yield* this.selectList(values, limit)) as ListedSession[];
    // On MySQL 8 it is a BIGINT, which TypeORM's connections return as text.
    for (const row of rows) row.contextBytes = Number(row.contextBytes);
    return rows;
  }

  /** Sets the activity of sessions to now, where it is ahead of the store's clock. Returns how many it changed. */
  *correctActivity(sessions: ChatSession[]): UnitOfWork<number> {
    let changed = 0;
    const now = yield* this.database.now();
    for (const { ownerId, id, lastActivityAt } of sessions) {
      if (!isAhead(lastActivityAt, now)) continue;
      // Unless it has changed since.
      const key = { ownerId, id, lastActivityAt };
      changed += yield* execute(
        this.table.update(key, { lastActivityAt: now }),
      );
    }
    return changed;
  }

  /**
   * Listed sessions with their context documents. Most have none, which takes no
   * statement. Leaves out sessions that were deleted since they were listed.
   */
  *withContextDocuments(
    ownerId: string,
    sessions: ListedSession[],
  ): UnitOfWork<ListedSession[]> {
    const ids = sessions.filter(hasDocuments).map(({ id }) => id);
    const found =
      ids.length === 0
        ? []
        : yield* select(
            this.query(['id', 'contextDocuments']).where({
              ownerId,
              id: In(ids),
            }),
          );
    const documents = new Map(
      found.map(({ id, contextDocuments }) => [id, contextDocuments]),
    );
    for (const session of sessions) {
      session.contextDocuments = documents.get(session.id) ?? [];
    }
    return sessions.filter(
      (session) => !hasDocuments(session) || documents.has(session.id),
    );
  }

  /** Latest activity first. */
  private listed({
    lastActivityAt,
    id,
    ...filter
  }: ListValues): SelectQueryBuilder<ChatSession> {
    const query = this.query(LISTED)
      .addSelect('OCTET_LENGTH(session.contextDocuments)', 'contextBytes')
      .where(filter)
      .orderBy('session.lastActivityAt', 'DESC')
      .addOrderBy('session.id', 'DESC');
    if (lastActivityAt === undefined) return query;
    // The first condition lets the index start at the cursor. If the second one
    // were an OR, MySQL might merge two indexes and sort.
    return query
      .andWhere('session.lastActivityAt <= :lastActivityAt')
      .andWhere(
        'CASE WHEN session.lastActivityAt < :lastActivityAt THEN TRUE ELSE session.id < :id END',
      )
      .setParameters({ lastActivityAt, id });
  }

  private query(
    columns: readonly (keyof ChatSession)[],
  ): SelectQueryBuilder<ChatSession> {
    return selectFrom(this.sessions, 'session', columns);
  }
}

const LISTED: readonly (keyof ChatSession)[] = [
  'id',
  'ownerId',
  'title',
  'documentId',
  'sectionId',
  'pinned',
  'archived',
  'messageCount',
  'lastSeq',
  'deletedCount',
  'firstSeq',
  'preview',
  'lastMessageAt',
  'lastActivityAt',
  'version',
  'forkedFrom',
  'createdAt',
  'updatedAt',
];

/** Clocks of instances may differ by this much. */
const MAX_AHEAD_MS = 60_000;

export function isAhead(time: Date, now: Date): boolean {
  return time.getTime() > now.getTime() + MAX_AHEAD_MS;
}
