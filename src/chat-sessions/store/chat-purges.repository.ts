import { Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import { Repository } from 'typeorm';
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
    { id, ownerId, lastSeq }: SessionState,
    createdAt: Date,
  ): UnitOfWork<void> {
    const purge = { sessionId: id, lastSeq, ownerId, createdAt };
    yield* execute(this.table.insert([purge]));
  }

  /** The next one; of a session, that of its oldest messages. */
  *next(): UnitOfWork<ChatPurge | undefined> {
    const [purge] = yield* select(
      selectFrom(this.purges, 'purge')
        .orderBy('purge.sessionId')
        .addOrderBy('purge.lastSeq')
        .limit(1),
    );
    return purge;
  }

  /** Whether messages of the session wait for their removal. If so, it cannot end until the transaction does. */
  *lock(sessionId: string): UnitOfWork<boolean> {
    const found = yield* select(
      this.database.forUpdate(
        selectFrom(this.purges, 'purge').where({ sessionId }),
      ),
    );
    return found.length > 0;
  }

  *delete({ sessionId, lastSeq }: ChatPurge): UnitOfWork<void> {
    yield* execute(
      this.purges.createQueryBuilder().delete().where({ sessionId, lastSeq }),
    );
  }
}
