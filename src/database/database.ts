import type { ObjectLiteral, SelectQueryBuilder } from 'typeorm';
import type { UnitOfWork } from './unit-of-work.js';

/** Makes a fresh unit of work for each try. */
export type Work<T> = () => UnitOfWork<T>;

/**
 * The one door to the store. What goes through it ends in time: after
 * REQUEST_DEADLINE_MS with a StoreUnavailableError. Work is a generator method,
 * since V8 takes longer to make a generator function than to run a short one:
 *
 *     this.database.write(() => this.clearNow(ownerId, id));
 *
 *     private *clearNow(ownerId: string, id: string): UnitOfWork<void> {
 *       const session = yield* this.sessions.lock(ownerId, id);
 *       ...
 *     }
 *
 * It may run more than once (a deadlock is answered by trying again), so it
 * must not touch anything but the store.
 */
export abstract class Database {
  /** Whether the store is a file of this process, as opposed to a server that others use, too. */
  abstract readonly isEmbedded: boolean;

  /** Runs statements that only read. On MySQL each sees what is committed when it starts. */
  abstract read<T>(work: Work<T>): Promise<T>;

  /**
   * Runs statements as one transaction: all of them happen, or, when the work
   * throws, none. Resolves after the commit.
   */
  abstract write<T>(work: Work<T>): Promise<T>;

  /** Changes when another process has written to the store, where that can be told without a query. */
  othersWrites(): number {
    return 0;
  }

  /** Rejects where the store cannot serve requests, or does not answer in time. */
  abstract check(milliseconds: number): Promise<void>;

  /** Makes a SELECT lock its rows until the end of the transaction, where the engine needs that. */
  abstract forUpdate<Entity extends ObjectLiteral>(
    query: SelectQueryBuilder<Entity>,
  ): SelectQueryBuilder<Entity>;
}
