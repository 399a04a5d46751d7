import { Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import { LessThanOrEqual, Repository } from 'typeorm';
import { Database } from '../../database/database.js';
import { select, selectFrom, Table } from '../../database/statements.js';
import { execute, type UnitOfWork } from '../../database/unit-of-work.js';
import { ChatFork } from './entities/chat-fork.entity.js';

/** Statements on the list of forks that are being copied. */
@Injectable()
export class ChatForksRepository {
  private readonly table: Table<ChatFork>;

  constructor(
    @InjectRepository(ChatFork)
    private readonly forks: Repository<ChatFork>,
    private readonly database: Database,
  ) {
    this.table = new Table(forks);
  }

  *insert(fork: ChatFork): UnitOfWork<void> {
    yield* execute(this.table.insert([fork]));
  }

  /** The fork of a session as it is now, whatever the transaction has read before. It cannot end until the transaction does. */
  *lock(sessionId: string): UnitOfWork<ChatFork | undefined> {
    const [fork] = yield* select(
      this.database.forUpdate(
        selectFrom(this.forks, 'fork').where({ sessionId }),
      ),
    );
    return fork;
  }

  /** Some of those that have failed. */
  *due(now: Date): UnitOfWork<ChatFork[]> {
    return yield* select(
      selectFrom(this.forks, 'fork')
        .where({ dueAt: LessThanOrEqual(now) })
        .limit(100),
    );
  }

  *delete({ sessionId }: ChatFork): UnitOfWork<void> {
    yield* execute(
      this.forks.createQueryBuilder().delete().where({ sessionId }),
    );
  }
}
