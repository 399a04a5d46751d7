import type { ObjectLiteral, SelectQueryBuilder } from 'typeorm';
import type { UnitOfWork } from './unit-of-work.js';

/** Makes a fresh unit of work for each attempt. */
export type Work<T> = () => UnitOfWork<T>;

/**
 * The only way to the store. Every call settles by the deadline
 * (REQUEST_DEADLINE_MS), if need be with a StoreUnavailableError.
 *
 *     this.database.read(() => this.readPage(ownerId, id));
 *
 *     private *readPage(ownerId: string, id: string): UnitOfWork<Page> {
 *       const session = yield* this.sessions.get(ownerId, id);
 *       ...
 *     }
 *
 * Work may run more than once, for instance after a deadlock, so it must not
 * change anything but the store.
 */
export abstract class Database {
  /** Whether the store is a file of this process, not a server that others use, too. */
  abstract readonly isEmbedded: boolean;

  /** Runs statements that only read. On MySQL each sees what is committed when it starts. */
  abstract read<T>(work: Work<T>): Promise<T>;

  /**
   * Runs statements as one transaction: all of them happen, or none if the work
   * throws. Resolves after the commit.
   */
  abstract write<T>(work: Work<T>): Promise<T>;

  /** A number that changes when another process writes to the store. Always 0 if only a query could tell. */
  othersWrites(): number {
    return 0;
  }

  /** Rejects if the store cannot serve requests, or does not reply in time. */
  abstract check(milliseconds: number): Promise<void>;

  /** The time by the store's own clock, which all instances share. */
  abstract now(): UnitOfWork<Date>;

  /** Makes a SELECT lock its rows until the end of the transaction, if the engine needs that. */
  abstract forUpdate<Entity extends ObjectLiteral>(
    query: SelectQueryBuilder<Entity>,
  ): SelectQueryBuilder<Entity>;
}
