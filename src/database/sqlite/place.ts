import type { Database as Connection } from 'better-sqlite3';
import { statSync } from 'node:fs';

/**
 * The place of an open SQLite file. If the file is moved, replaced or deleted,
 * SQLite goes on writing to a file that nobody will find again.
 */
export class Place {
  /** Undefined in memory. */
  private readonly path: string | undefined;
  private readonly identity: string | undefined;

  constructor({ name, memory }: Connection) {
    this.path = memory ? undefined : name;
    this.identity = this.found();
  }

  /** Whether the file is where it was opened. */
  isKept(): boolean {
    return this.path === undefined || this.found() === this.identity;
  }

  /** The reason, for the log. */
  get problem(): Error {
    return new Error(
      `The file ${this.path} was moved, replaced or deleted. Restart the service`,
    );
  }

  private found(): string | undefined {
    if (this.path === undefined) return undefined;
    const stat = statSync(this.path, { throwIfNoEntry: false });
    return stat && `${stat.dev} ${stat.ino}`;
  }
}
