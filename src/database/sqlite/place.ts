import type { Database as Connection } from 'better-sqlite3';
import { realpathSync, statSync } from 'node:fs';

/**
 * The place of an open SQLite file and of its write-ahead log, which holds the
 * last commits. If one is moved, replaced or deleted, SQLite goes on writing to a
 * file that nobody will find again.
 */
export class Place {
  /** Undefined in memory. */
  private readonly path: string | undefined;
  private readonly identity: string | undefined;
  /** Beside the file itself, if the path is a link. */
  private readonly log: string = '';
  /** Undefined before the first transaction, which makes the log. */
  private logIdentity: string | undefined;

  constructor({ name, memory }: Connection) {
    if (memory) return;
    this.path = name;
    this.identity = identityOf(name);
    this.log = `${realpathSync(name)}-wal`;
    this.logIdentity = identityOf(this.log);
  }

  /** Whether both are where they were opened. */
  isKept(): boolean {
    if (this.path === undefined) return true;
    const log = identityOf(this.log);
    this.logIdentity ??= log;
    return log === this.logIdentity && identityOf(this.path) === this.identity;
  }

  /** The reason, for the log. */
  get problem(): Error {
    return new Error(
      'The file, or its log (-wal), was moved, replaced or deleted. Restart the service',
    );
  }
}

function identityOf(path: string): string | undefined {
  const stat = statSync(path, { throwIfNoEntry: false });
  return stat && `${stat.dev} ${stat.ino}`;
}
