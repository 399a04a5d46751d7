import { Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import { LessThan, LessThanOrEqual, Repository } from 'typeorm';
import { execute, select, type UnitOfWork } from '../database/unit-of-work.js';
import { IdempotencyKey } from './entities/idempotency-key.entity.js';
import type { RepeatableRequest } from './idempotency-key.js';

/** The statements on keys. The owner is in every one but those of the sweep. */
@Injectable()
export class IdempotencyKeysRepository {
  constructor(
    @InjectRepository(IdempotencyKey)
    private readonly keys: Repository<IdempotencyKey>,
  ) {}

  *find(ownerId: string, key: string): UnitOfWork<IdempotencyKey | undefined> {
    const [found] = yield* select(
      this.keys.createQueryBuilder('record').where({ ownerId, key }),
    );
    return found;
  }

  /** Of a request whose outcome is not known yet. Throws the driver's error where the owner has used the key. */
  *insert(ownerId: string, { key, hash }: RepeatableRequest): UnitOfWork<void> {
    yield* execute(
      this.keys
        .createQueryBuilder()
        .insert()
        .values({
          ownerId,
          key,
          requestHash: hash,
          status: 0,
          sessionId: '',
          messageIds: [],
          createdAt: new Date(),
        })
        .updateEntity(false),
    );
  }

  *update(
    ownerId: string,
    key: string,
    outcome: Pick<IdempotencyKey, 'status' | 'sessionId' | 'messageIds'>,
  ): UnitOfWork<void> {
    yield* execute(
      this.keys
        .createQueryBuilder()
        .update()
        .set(outcome)
        .where({ ownerId, key }),
    );
  }

  /** Deletes the oldest of those older than a moment, about so many; resolves to how many there were. */
  *deleteOldest(before: Date, batch: number): UnitOfWork<number> {
    const [last] = yield* select(
      this.keys
        .createQueryBuilder('record')
        .where({ createdAt: LessThan(before) })
        .orderBy('record.createdAt')
        .offset(batch - 1)
        .limit(1),
    );
    return yield* execute(
      this.keys
        .createQueryBuilder()
        .delete()
        .where({
          createdAt: last ? LessThanOrEqual(last.createdAt) : LessThan(before),
        }),
    );
  }
}
