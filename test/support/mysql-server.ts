import { createConnection } from 'mysql2/promise';
import { spawn, type ChildProcess } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync, rmSync } from 'node:fs';
import { chown, mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  findMysqlServer,
  mysqlAccount,
  mysqlCommands,
  type MysqlCommand,
} from './mysql-command.js';

export { findMysqlServer };

/** A new node of a cluster copies all data before it accepts connections. */
const START_LIMIT_MS = 120_000;
/** SIGKILL follows. */
const STOP_LIMIT_MS = 60_000;

/** A private server: empty, on a free port of the loopback, disposable. */
export interface MysqlServer {
  /** `mysql://root@127.0.0.1:PORT/`, without password and database. */
  readonly url: string;
  readonly port: number;
  /** The process id, which `restart` changes. */
  readonly pid: number;
  /** Sends a signal, by default SIGKILL; resolves when the process has ended. */
  kill(signal?: NodeJS.Signals): Promise<void>;
  /** Starts the server again on the same data and port. Ends it first if it runs. */
  restart(): Promise<void>;
  /** Ends the server gracefully and removes its data. */
  stop(): Promise<void>;
}

interface StartOptions {
  /** Committed transactions survive `kill`. Otherwise the server is faster, and `kill` loses the last ones. */
  durable?: boolean;
  /** Options of the server; they override those of the test harness. */
  options?: string[];
}

/**
 * Starts a server. It accepts connections when the promise resolves, and ends
 * with this process, unless a signal kills that. With `durable`, committed
 * transactions survive `kill`; without it the server is faster, and `kill` loses
 * the last ones. `options` override the default arguments.
 *
 * @throws if no server is installed, or with the end of the server's log
 */
export async function startMysqlServer({
  durable = false,
  options = [],
}: StartOptions = {}): Promise<MysqlServer> {
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

/** A new directory that the server's account owns. */
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

  /** Runs a command and waits for its end. */
  async run(command: MysqlCommand): Promise<void> {
    await this.spawn(command);
    await this.exited;
    if (this.child?.exitCode !== 0)
      throw this.failure(`${command.file} failed`);
  }

  /** @param more arguments of this start only */
  async start(...more: string[]): Promise<void> {
    const { file, args } = this.command;
    await this.spawn({ file, args: [...args, ...more] });
    const deadline = Date.now() + START_LIMIT_MS;
    for (;;) {
      try {
        return await selectOne(this.port);
      } catch (cause) {
        if (!this.isRunning() || Date.now() > deadline) {
          throw this.failure('no connection', cause);
        }
      }
      await sleep(50);
    }
  }

  /** An error with the last 5,000 characters of the server's log. */
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
      // The default directory of temporary files may not be the account's to write.
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

  /** SIGCONT comes first: a paused server ignores SIGTERM until then. */
  private async terminate(): Promise<void> {
    this.child?.kill('SIGCONT');
    const lastResort = setTimeout(
      () => this.child?.kill('SIGKILL'),
      STOP_LIMIT_MS,
    );
    this.child?.kill('SIGCONT');
    await this.kill('SIGTERM');
    clearTimeout(lastResort);
  }

  /** Cleans up synchronously if this process ends before `stop`. */
  private readonly abandon = (): void => {
    try {
      // The process group: MariaDB's installer is a script with children.
      if (this.isRunning()) process.kill(-this.pid, 'SIGKILL');
      rmSync(this.directory, { recursive: true, force: true, maxRetries: 5 });
    } catch {
      // A failure here must not change how the process ends.
    }
  };
}

/**
 * A free port below the range of outgoing connections. In that range, a client
 * that reconnects while the server is down can get the server's own port.
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
    connectTimeout: 10_000,
  });
  try {
    await connection.query({ sql: 'SELECT 1', timeout: 10_000 });
  } finally {
    connection.destroy();
  }
}
