import {
  type Connection,
  createConnection,
  type RowDataPacket,
} from 'mysql2/promise';
import { rmSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type MysqlServer, startMysqlServer } from '../support/mysql-server.js';
import { signToken } from '../support/tokens.js';
import { type Request, type Tokens, writeRequests } from './load.js';
import { type Group, ownerOf } from './seed.js';
import {
  type Cache,
  type Server,
  type ServiceOptions,
  startOurs,
} from './servers.js';
import type { Templates } from './templates.js';

/** Options in addition to the durable settings of the test harness. */
export const MARIADB_SETTINGS = [
  '--innodb-buffer-pool-size=4G',
  '--innodb-log-file-size=1G',
  '--max-allowed-packet=64M',
  '--max-connections=1000',
];
const TOKEN_SECONDS = 24 * 3600;

/** A database of the benchmark's MariaDB, with the service's tables. */
export interface BenchDatabase {
  url: string;
  /** Does not write to the binary log. */
  connection: Connection;
}

/** `name` tells apart processes with the same cache. */
type OursOptions = { name?: string } & Pick<
  ServiceOptions,
  'root' | 'environment'
>;

/** MariaDB, the servers on it, and the files of their requests. */
export class Stage {
  private readonly servers = new Map<string, Promise<Server>>();
  private readonly connections: Connection[] = [];
  private readonly signed = new Map<string, string>();
  private files = 0;

  private constructor(
    readonly templates: Templates,
    private readonly mariadb: MysqlServer,
    private readonly directory: string,
  ) {
    process.once('exit', this.abandon);
  }

  static async open(templates: Templates): Promise<Stage> {
    const mariadb = await startMysqlServer({
      durable: true,
      options: MARIADB_SETTINGS,
    });
    const directory = await mkdtemp(join(tmpdir(), 'bench-'));
    return new Stage(templates, mariadb, directory);
  }

  async close(): Promise<void> {
    for (const started of await Promise.allSettled(this.servers.values())) {
      if (started.status === 'fulfilled') await started.value.stop();
    }
    for (const connection of this.connections) connection.destroy();
    await this.mariadb.stop();
    process.off('exit', this.abandon);
    this.abandon();
  }

  private readonly abandon = (): void => {
    rmSync(this.directory, { recursive: true, force: true });
  };

  get tokens(): Tokens {
    return this.signed;
  }

  get databasePid(): number {
    return this.mariadb.pid;
  }

  /** The version of MariaDB. */
  async version(): Promise<string> {
    const [row] = await this.query('SELECT VERSION() AS version');
    return (row as { version: string }).version;
  }

  async database(name: string): Promise<BenchDatabase> {
    await this.query(`CREATE DATABASE ${name}`);
    const url = new URL(name, this.mariadb.url).href;
    await this.ours(url, 'off'); // creates the tables
    const connection = await createConnection({
      uri: url,
      charset: 'utf8mb4',
      timezone: 'Z',
    });
    this.connections.push(connection);
    await connection.query(
      'SET SESSION sql_log_bin = 0, unique_checks = 0, foreign_key_checks = 0',
    );
    return { url, connection };
  }

  private async query(sql: string): Promise<RowDataPacket[]> {
    const connection = await createConnection(this.mariadb.url);
    try {
      return (await connection.query<RowDataPacket[]>(sql))[0];
    } finally {
      connection.destroy();
    }
  }

  /**
   * The service on a database. There is one process for each combination of
   * cache, name and checkout.
   */
  ours(
    url: string,
    cache: Cache,
    { name = '', root, environment }: OursOptions = {},
  ): Promise<Server> {
    const cwd = this.directory;
    return this.server([url, cache, name, root].join(' '), () =>
      startOurs(url, { cache, cwd, root, environment }),
    );
  }

  /** Starts a server once and stops it when the stage closes. */
  server(name: string, start: () => Promise<Server>): Promise<Server> {
    const started = this.servers.get(name) ?? start();
    this.servers.set(name, started);
    return started;
  }

  /** Writes the requests to a file, with tokens of their owners. */
  async requestFile(requests: Request[]): Promise<string> {
    for (const { owner } of requests) await this.sign(owner);
    const file = this.path(`requests-${++this.files}`);
    await writeRequests(file, requests, this.signed);
    return file;
  }

  path(name: string): string {
    return join(this.directory, name);
  }

  async sign(owner: string): Promise<void> {
    if (this.signed.has(owner)) return;
    const exp = Math.floor(Date.now() / 1000) + TOKEN_SECONDS;
    this.signed.set(owner, await signToken({ sub: owner, exp }));
  }

  async signOwnersOf(group: Group): Promise<void> {
    for (let n = 0; n < group.owners; n++) await this.sign(ownerOf(group, n));
  }
}
