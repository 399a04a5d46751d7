import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { freePort } from '../support/mysql-server.js';
import {
  type Environment,
  listening,
  NodeProcess,
  ROOT,
  startService,
} from '../support/service-process.js';
import { JWT_SECRET } from '../support/tokens.js';

const PEERS = join(import.meta.dirname, 'peers');
const START_LIMIT_MS = 30_000;
/** Debian's Python has Debian's packages. Another one may come first on the PATH. */
const PYTHON = '/usr/bin/python3';

export type Cache = 'exclusive' | 'validated' | 'off';

/** A server to put under load. */
export interface Server {
  readonly url: string;
  readonly pid: number;
  stop(): Promise<unknown>;
}

export interface ServiceOptions {
  cache: Cache;
  /** The working directory. */
  cwd: string;
  /** The checkout whose build is started; this one by default. */
  root?: string;
  environment?: Environment;
}

/**
 * Starts the service as shipped. Owners are identified by tokens. Rate limits are
 * on, but too high to be reached.
 */
export async function startOurs(
  databaseUrl: string,
  { cache, cwd, root, environment }: ServiceOptions,
): Promise<Server> {
  const settings = {
    DATABASE_URL: databaseUrl,
    DATABASE_MIGRATE: 'true',
    CACHE: cache,
    AUTH_MODE: 'jwt',
    JWT_SECRET,
    RATE_LIMIT: '1000000000',
    RATE_LIMIT_WRITES: '1000000000',
    RATE_LIMIT_OUTPUTS: '1000000000',
    LOG_LEVEL: 'info',
    ...environment,
  };
  const service = await startService(settings, {
    cwd,
    root,
    asShipped: true,
  });
  const { url, process } = service;
  return { url, pid: process.pid, stop: () => service.stop() };
}

export function startLimit(responses: string): Promise<Server> {
  return startNodePeer('limit', { RESPONSES: responses });
}

export function startBare(databaseUrl: string): Promise<Server> {
  return startNodePeer('bare', { DATABASE_URL: databaseUrl });
}

export function startNestDefault(databaseUrl: string): Promise<Server> {
  return startNodePeer('nest-default', { DATABASE_URL: databaseUrl });
}

async function startNodePeer(
  name: string,
  environment: Environment,
): Promise<Server> {
  const process = new NodeProcess(
    ['--import', 'tsx', join(PEERS, `${name}.ts`)],
    { NODE_ENV: 'production', ...environment },
    ROOT,
  );
  try {
    const { url } = await listening(process);
    return { url, pid: process.pid, stop: () => process.stop() };
  } catch (error) {
    await process.stop('SIGKILL');
    throw error;
  }
}

/** Starts Flask under gunicorn with two workers, in a process group of their own. */
export async function startFlask(databaseUrl: string): Promise<Server> {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const { href } = new URL(databaseUrl);
  const child = spawn(
    PYTHON,
    [
      '-m',
      'gunicorn',
      '--workers=2',
      `--bind=127.0.0.1:${port}`,
      '--log-level=warning',
      'flask_app:app',
    ],
    {
      cwd: PEERS,
      env: {
        PATH: process.env.PATH,
        PYTHONDONTWRITEBYTECODE: '1',
        DATABASE_URL: `${href.replace(/^mysql:/, 'mysql+pymysql:')}?charset=utf8mb4`,
      },
      stdio: ['ignore', 'inherit', 'inherit'],
      detached: true,
    },
  );
  const abandon = () => killGroup(child);
  process.once('exit', abandon);
  const stop = async () => {
    if (child.exitCode === null && child.signalCode === null) {
      child.kill('SIGTERM');
      await once(child, 'exit');
    }
    process.off('exit', abandon);
  };
  try {
    await responding(url);
  } catch (error) {
    await stop();
    throw error;
  }
  return { url, pid: child.pid!, stop };
}

function killGroup(child: ChildProcess): void {
  try {
    process.kill(-child.pid!, 'SIGKILL');
  } catch {
    // The group has ended already.
  }
}

/** Resolves when a server responds, whatever the status. */
async function responding(url: string): Promise<void> {
  const deadline = Date.now() + START_LIMIT_MS;
  for (;;) {
    try {
      await fetch(url);
      return;
    } catch (cause) {
      if (Date.now() > deadline) {
        throw new Error(`${url} does not respond`, { cause });
      }
    }
    await sleep(50);
  }
}

const PYTHON_VERSIONS = `
import flask, gunicorn, pymysql, sqlalchemy, sys
print(f"Python {sys.version.split()[0]}, Flask {flask.__version__}, SQLAlchemy "
      f"{sqlalchemy.__version__}, PyMySQL {pymysql.__version__}, gunicorn {gunicorn.__version__}")`;

/** The versions of the tools. Throws an error that says what to install if one is missing. */
export async function toolVersions(): Promise<{ python: string; wrk: string }> {
  const run = promisify(execFile);
  try {
    const python = await run(PYTHON, ['-c', PYTHON_VERSIONS]);
    // wrk --version ends with status 1.
    const wrk = await run('sh', ['-c', 'wrk --version | head -1']);
    const version = /^wrk \S+/.exec(wrk.stdout)?.[0];
    if (!version) throw new Error('wrk is not installed');
    return { python: python.stdout.trim(), wrk: version };
  } catch (cause) {
    throw new Error(
      'The benchmarks need more than is installed: apt-get install --no-install-recommends ' +
        'mariadb-server wrk gunicorn python3-flask python3-sqlalchemy python3-pymysql',
      { cause },
    );
  }
}
