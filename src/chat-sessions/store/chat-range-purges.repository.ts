import { Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import { In, LessThan, LessThanOrEqual, Not, Repository } from 'typeorm';
import { select, selectFrom, Table } from '../../database/statements.js';
import {
  execute,
  type Statement,
  type UnitOfWork,
} from '../../database/unit-of-work.js';
import type { SeqRange } from '../tree/tree.js';
import type { SessionKey } from './chat-sessions.repository.js';
import { ChatRangePurge } from './entities/chat-range-purge.entity.js';

/** Ranges of one INSERT. SQLite takes 32,766 values. */
const MOST_RANGES = 1_000;

/** Statements on the list of deleted messages whose rows are to be removed. */
@Injectable()
export class ChatRangePurgesRepository {
  private readonly table: Table<ChatRangePurge>;

  constructor(
    @InjectRepository(ChatRangePurge)
    private readonly purges: Repository<ChatRangePurge>,
  ) {
    this.table = new Table(purges);
  }

  /** The statements that list ranges of a session, whose rows are all blank or not. */
  insertions(
    { id: sessionId, ownerId }: SessionKey,
    ranges: readonly SeqRange[],
    { isBlank, dueAt }: { isBlank: boolean; dueAt: Date },
  ): Statement[] {
    const purges = ranges.map(({ from, to }) => ({
      sessionId,
      fromSeq: from,
      toSeq: to,
      ownerId,
      blankTo: isBlank ? to : from - 1,
      dueAt,
    }));
    const statements: Statement[] = [];
    for (let start = 0; start < purges.length; start += MOST_RANGES) {
      const some = purges.slice(start, start + MOST_RANGES);
      statements.push(this.table.insert(some));
    }
    return statements;
  }

  /** The one that is due first, but for those of some sessions. */
  *next(
    now: Date,
    exceptSessions: string[],
  ): UnitOfWork<ChatRangePurge | undefined> {
    const [purge] = yield* select(
      selectFrom(this.purges, 'purge')
        .where({ dueAt: LessThanOrEqual(now) })
        .andWhere({ sessionId: Not(In(exceptSessions)) })
        .orderBy('purge.dueAt')
        .limit(1),
    );
    return purge;
  }

  *find(
    sessionId: string,
    fromSeq: number,
  ): UnitOfWork<ChatRangePurge | undefined> {
    const [purge] = yield* select(
      selectFrom(this.purges, 'purge').where({ sessionId, fromSeq }),
    );
    return purge;
  }

  /** How many seqs before one are in ranges. */
  *countBefore(sessionId: string, seq: number): UnitOfWork<number> {
    const { rows } = yield [
      this.purges
        .createQueryBuilder('purge')
        .select('SUM(purge.toSeq - purge.fromSeq + 1)', 'count')
        .where({ sessionId, fromSeq: LessThan(seq) }),
    ];
    return Number(rows[0]!.count);
  }

  *update(
    { sessionId, fromSeq }: ChatRangePurge,
    changes: Partial<ChatRangePurge>,
  ): UnitOfWork<void> {
    yield* execute(this.table.update({ sessionId, fromSeq }, changes));
  }

  *delete({ sessionId, fromSeq }: ChatRangePurge): UnitOfWork<void> {
    yield* execute(
      this.purges.createQueryBuilder().delete().where({ sessionId, fromSeq }),
    );
  }
}
