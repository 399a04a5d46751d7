import { Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import { LessThan, Repository } from 'typeorm';
import { select, selectFrom, Table } from '../../../database/statements.js';
import {
  COMMIT,
  execute,
  type UnitOfWork,
} from '../../../database/unit-of-work.js';
import { IdempotencyKey } from './idempotency-key.entity.js';
import type { RepeatableRequest } from './idempotency-key.js';

/** Statements on keys. Every one names the owner, except for those of the sweep. */
@Injectable()
export class IdempotencyKeysRepository {
  private readonly table: Table<IdempotencyKey>;

  constructor(
    @InjectRepository(IdempotencyKey)
    private readonly keys: Repository<IdempotencyKey>,
  ) {
    this.table = new Table(keys);
  }

  *find(ownerId: string, key: string): UnitOfWork<IdempotencyKey | undefined> {
    const [found] = yield* select(
      selectFrom(this.keys, 'record').where({ ownerId, key }),
    );
    return found;
  }

  /** Records a request that has not ended yet. Throws the driver's error if the owner has used the key. */
  *insert(ownerId: string, { key, hash }: RepeatableRequest): UnitOfWork<void> {
    const record = {
      ownerId,
      key,
      requestHash: hash,
      status: 0,
      sessionId: '',
      messageIds: [],
      createdAt: new Date(),
    };
    yield* execute(this.table.insert([record]));
  }

  *update(
    ownerId: string,
    key: string,
    outcome: Pick<IdempotencyKey, 'status' | 'sessionId' | 'messageIds'>,
  ): UnitOfWork<void> {
    yield* execute(this.table.update({ ownerId, key }, outcome), COMMIT);
  }

  /** Owner and key of the oldest records from before a moment. */
  *findOlder(before: Date, limit: number): UnitOfWork<IdempotencyKey[]> {
    return yield* select(
      selectFrom(this.keys, 'record', ['ownerId', 'key'])
        .where({ createdAt: LessThan(before) })
        .orderBy('record.createdAt')
        .limit(limit),
    );
  }

  /**
   * Deletes records, unless they were used again since, and returns how many it
   * deleted. It takes one at a time: if a condition names several, MySQL may read
   * and lock the whole table, and wait for every request that runs.
   */
  *deleteOlder(records: IdempotencyKey[], before: Date): UnitOfWork<number> {
    let deleted = 0;
    for (const { ownerId, key } of records) {
      deleted += yield* execute(
        this.keys
          .createQueryBuilder()
          .delete()
          .where({ ownerId, key, createdAt: LessThan(before) }),
      );
    }
    return deleted;
  }
}
