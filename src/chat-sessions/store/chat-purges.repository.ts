import { Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import { MoreThan, Repository } from 'typeorm';
import { Database } from '../../database/database.js';
import { select, selectFrom, Table } from '../../database/statements.js';
import { execute, type UnitOfWork } from '../../database/unit-of-work.js';
import type { SessionState } from './chat-sessions.repository.js';
import { ChatPurge } from './entities/chat-purge.entity.js';

/** Statements on the list of messages to remove. */
@Injectable()
export class ChatPurgesRepository {
  private readonly table: Table<ChatPurge>;

  constructor(
    @InjectRepository(ChatPurge)
    private readonly purges: Repository<ChatPurge>,
    private readonly database: Database,
  ) {
    this.table = new Table(purges);
  }

  /** All messages that the session has now are to be removed. */
  *insert(
    { id, ownerId, lastSeq }: Pick<SessionState, 'id' | 'ownerId' | 'lastSeq'>,
    createdAt: Date,
  ): UnitOfWork<void> {
    const purge = { sessionId: id, lastSeq, ownerId, createdAt };
    yield* execute(this.table.insert([purge]));
  }

  /** The next one after those of a session; of a session, that of its oldest messages. */
  *next(after = ''): UnitOfWork<ChatPurge | undefined> {
    const [purge] = yield* select(
      selectFrom(this.purges, 'purge')
        .where({ sessionId: MoreThan(after) })
        .orderBy('purge.sessionId')
        .addOrderBy('purge.lastSeq')
        .limit(1),
    );
    return purge;
  }

  /** All of a session, oldest messages first. They cannot end until the transaction does. */
  *lock(sessionId: string): UnitOfWork<ChatPurge[]> {
    const purges = yield* select(
      this.database.forUpdate(
        selectFrom(this.purges, 'purge').where({ sessionId }),
      ),
    );
    return purges.sort((a, b) => a.lastSeq - b.lastSeq);
  }

  *delete({ sessionId, lastSeq }: ChatPurge): UnitOfWork<void> {
    yield* execute(
      this.purges.createQueryBuilder().delete().where({ sessionId, lastSeq }),
    );
  }
}
