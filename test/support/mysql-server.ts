import { spawn, type ChildProcess } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync, rmSync } from 'node:fs';
import { chown, mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createConnection } from 'mysql2/promise';
import {
  findMysqlServer,
  mysqlAccount,
  mysqlCommands,
  type MysqlCommand,
} from './mysql-command.js';

export { findMysqlServer };

/** Where the process lives. A node of a cluster may have everything to copy first. */
const START_LIMIT_MS = 120_000;
const STOP_LIMIT_MS = 10_000;

/** A server of one's own: empty, on a free port of the loopback, disposable. */
export interface MysqlServer {
  /** `mysql://root@127.0.0.1:PORT/`: no password, no database. */
  readonly url: string;
  readonly port: number;
  /** Of the process that was started last; `restart` changes it. */
  readonly pid: number;
  /** SIGKILL unless told otherwise; resolves when the process is gone. */
  kill(signal?: NodeJS.Signals): Promise<void>;
  /** Up again on the same data and port, after `kill` or instead of it. */
  restart(): Promise<void>;
  /** Graceful; removes the data. */
  stop(): Promise<void>;
}

/**
 * Starts a server; it answers when the promise resolves, and does not outlive
 * this process, unless a signal kills that before it can clean up. `durable`:
 * what was committed survives `kill`. Otherwise speed comes first, and `kill`
 * loses the last transactions. `options` come after the harness's own, and win.
 *
 * @throws where no server is installed, or with the end of the server's log
 */
export async function startMysqlServer({
  durable = false,
  options = [] as string[],
} = {}): Promise<MysqlServer> {
  const binary = findMysqlServer();
  if (!binary) throw new Error('Neither mariadbd nor mysqld is installed');
  const port = await freePort();
  const { directory, account } = await serverDirectory();
  const place = { directory, port, account, durable };
  const commands = mysqlCommands(binary, place);
  const { file, args } = commands.serve;
  const serve = { file, args: [...args, ...options] };
  const server = new PrivateServer(directory, port, serve);
  try {
    await server.run(commands.initialize);
    await server.start();
  } catch (error) {
    await server.stop();
    throw error;
  }
  return server;
}

/** A new directory that the server's account may write in. */
export async function serverDirectory() {
  const directory = await mkdtemp(join(tmpdir(), 'mysql-server-'));
  const account = mysqlAccount();
  if (account) await chown(directory, account.uid, account.gid);
  return { directory, account };
}

export class PrivateServer implements MysqlServer {
  readonly url: string;
  private readonly log: string;
  private child: ChildProcess | undefined;
  private exited: Promise<unknown[]> | undefined;

  constructor(
    private readonly directory: string,
    readonly port: number,
    private readonly command: MysqlCommand,
  ) {
    this.url = `mysql://root@127.0.0.1:${port}/`;
    this.log = join(directory, 'error.log');
    process.once('exit', this.abandon);
  }

  get pid(): number {
    return this.child?.pid ?? 0;
  }

  async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    this.child?.kill(signal);
    await this.exited;
  }

  async restart(): Promise<void> {
    await this.terminate();
    await this.start();
  }

  async stop(): Promise<void> {
    await this.terminate();
    process.off('exit', this.abandon);
    await rm(this.directory, { recursive: true, force: true });
  }

  /** Runs a command to its end. */
  async run(command: MysqlCommand): Promise<void> {
    await this.spawn(command);
    await this.exited;
    if (this.child?.exitCode !== 0)
      throw this.failure(`${command.file} failed`);
  }

  /** @param more arguments, for this start only */
  async start(...more: string[]): Promise<void> {
    const { file, args } = this.command;
    await this.spawn({ file, args: [...args, ...more] });
    const deadline = Date.now() + START_LIMIT_MS;
    for (;;) {
      try {
        return await selectOne(this.port);
      } catch (cause) {
        if (!this.isRunning() || Date.now() > deadline) {
          throw this.failure('no answer', cause);
        }
      }
      await sleep(50);
    }
  }

  /** An error with the end of the server's log. */
  failure(what: string, cause?: unknown): Error {
    const end = readFileSync(this.log, 'utf8').slice(-5000);
    return new Error(`The server at port ${this.port}: ${what}:\n${end}`, {
      cause,
    });
  }

  private async spawn({ file, args }: MysqlCommand): Promise<void> {
    const log = openSync(this.log, 'a');
    this.child = spawn(file, args, {
      cwd: this.directory,
      // Its temporary files, too, belong where its account may write.
      env: { ...process.env, TMPDIR: this.directory },
      stdio: ['ignore', log, log],
      detached: true, // a process group of its own
    });
    closeSync(log);
    await once(this.child, 'spawn');
    this.exited = once(this.child, 'exit');
  }

  private isRunning(): boolean {
    return this.child?.exitCode === null && this.child.signalCode === null;
  }

  /** A server that is paused or stuck does not hear SIGTERM. */
  private async terminate(): Promise<void> {
    const lastResort = setTimeout(
      () => this.child?.kill('SIGKILL'),
      STOP_LIMIT_MS,
    );
    await this.kill('SIGTERM');
    clearTimeout(lastResort);
  }

  /** When this process ends before `stop`: as much as can be done at once. */
  private readonly abandon = (): void => {
    try {
      // The group, since the installer of MariaDB is a script with children.
      if (this.isRunning()) process.kill(-this.pid, 'SIGKILL');
      rmSync(this.directory, { recursive: true, force: true, maxRetries: 5 });
    } catch {
      // How the process ends must not depend on it.
    }
  };
}

/**
 * Below the range of outgoing connections: there a client that keeps trying
 * while the server is down can be given its very port, and hold it.
 */
export async function freePort(): Promise<number> {
  const port = randomInt(20_000, 32_768);
  const probe = createServer().listen(port, '127.0.0.1');
  try {
    await once(probe, 'listening');
  } catch {
    return freePort();
  }
  probe.close();
  await once(probe, 'close');
  return port;
}

async function selectOne(port: number): Promise<void> {
  const connection = await createConnection({
    host: '127.0.0.1',
    port,
    user: 'root',
    connectTimeout: 1000,
  });
  try {
    await connection.query({ sql: 'SELECT 1', timeout: 1000 });
  } finally {
    connection.destroy();
  }
}
