import { rmSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type Connection,
  createConnection,
  type RowDataPacket,
} from 'mysql2/promise';
import { type MysqlServer, startMysqlServer } from '../support/mysql-server.js';
import type { Environment } from '../support/service-process.js';
import { signToken } from '../support/tokens.js';
import { type Request, type Tokens, writeRequests } from './load.js';
import { type Group, ownerOf } from './seed.js';
import { type Cache, type Server, startOurs } from './servers.js';
import type { Templates } from './templates.js';

/** In force beside the durable settings of the test harness. */
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
  /** Writes nothing into the binary log. */
  connection: Connection;
}

/** MariaDB, the servers that were started on it, and what they are asked. */
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

  /** Of MariaDB. */
  async version(): Promise<string> {
    const root = await createConnection(this.mariadb.url);
    const [[row]] = await root.query<RowDataPacket[]>('SELECT VERSION() AS it');
    await root.end();
    return (row as { it: string }).it;
  }

  async database(name: string): Promise<BenchDatabase> {
    const root = await createConnection(this.mariadb.url);
    await root.query(`CREATE DATABASE ${name}`);
    await root.end();
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

  /**
   * The service on a database; one process for each kind of cache, and others
   * for those who want their own.
   */
  ours(
    url: string,
    cache: Cache,
    whose = '',
    environment: Environment = {},
  ): Promise<Server> {
    return this.server(`${cache} ${url} ${whose}`, () =>
      startOurs(url, cache, this.directory, environment),
    );
  }

  /** Starts a server once, and stops it in the end. */
  server(name: string, start: () => Promise<Server>): Promise<Server> {
    const started = this.servers.get(name) ?? start();
    this.servers.set(name, started);
    return started;
  }

  /** The file of these requests, signed for their owners. */
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
