import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

/** The directory of package.json. */
export const ROOT = resolve(import.meta.dirname, '../..');

const { scripts } = JSON.parse(
  readFileSync(join(ROOT, 'package.json'), 'utf8'),
) as { scripts: Record<'start:prod', string> };
const [, FLAGS, MAIN] = /^node (.+) (\S+)$/.exec(scripts['start:prod'])!;

/** The arguments that `npm run start:prod` gives to Node.js, for any working directory. */
export function startProd(directory = ROOT): string[] {
  return [...FLAGS!.split(' '), join(directory, MAIN!)];
}

const START_LIMIT_MS = 60_000;
/** SIGKILL follows. */
const STOP_LIMIT_MS = 30_000;

export type Environment = Record<string, string>;

/** The exit of a process, with all its output. */
export interface Ending {
  /** Null if a signal ended it. */
  exitCode: number | null;
  stdout: string;
  stderr: string;
  /** Seconds between its start and its end. */
  seconds: number;
}

/**
 * A process of Node.js. Its environment has PATH and nothing else of this one.
 * Its working directory is a new one unless one is given. It ends with this
 * process.
 */
export class NodeProcess {
  readonly ended: Promise<Ending>;
  stdout = '';
  stderr = '';
  private readonly child: ChildProcess;

  constructor(args: string[], environment: Environment, cwd?: string) {
    const directory = cwd ?? mkdtempSync(join(tmpdir(), 'chat-sessions-'));
    const start = performance.now();
    this.child = spawn(process.execPath, args, {
      cwd: directory,
      env: { PATH: process.env.PATH, ...environment },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.stdout += text;
    });
    this.child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.stderr += text;
    });
    const abandon = () => this.child.kill('SIGKILL');
    process.once('exit', abandon);
    // Not `exit`: output may follow it.
    this.ended = once(this.child, 'close').then(([exitCode]) => {
      process.off('exit', abandon);
      if (!cwd) rmSync(directory, { recursive: true, force: true });
      return {
        exitCode: exitCode as number | null,
        stdout: this.stdout,
        stderr: this.stderr,
        seconds: (performance.now() - start) / 1000,
      };
    });
  }

  get pid(): number {
    return this.child.pid!;
  }

  /** Resolves to the match in stdout. Rejects with all output if the process ends first, or after 60 s. */
  waitFor(pattern: RegExp): Promise<RegExpExecArray> {
    return new Promise((fulfil, reject) => {
      const look = () => {
        const match = pattern.exec(this.stdout);
        if (match) settle(() => fulfil(match));
      };
      const fail = () =>
        settle(() => reject(new Error(`${this.stdout}\n${this.stderr}`)));
      const timer = setTimeout(fail, START_LIMIT_MS);
      const settle = (how: () => void) => {
        clearTimeout(timer);
        this.child.stdout?.off('data', look);
        how();
      };
      this.child.stdout?.on('data', look);
      void this.ended.then(fail);
      look();
    });
  }

  /** Sends a signal, and does not wait. */
  signal(signal: NodeJS.Signals): void {
    this.child.kill(signal);
  }

  /** Sends a signal, and SIGKILL if the process still runs after 30 s. */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<Ending> {
    this.signal(signal);
    const lastResort = setTimeout(
      () => this.child.kill('SIGKILL'),
      STOP_LIMIT_MS,
    );
    const ending = await this.ended;
    clearTimeout(lastResort);
    return ending;
  }
}

/** The built service, which accepts requests. */
export interface ServiceProcess {
  readonly url: string;
  readonly process: NodeProcess;
  stop(): Promise<Ending>;
}

/** Starts the built service on a free port. Rejects with its output if it does not start. */
export async function startService(
  environment: Environment = {},
  cwd?: string,
): Promise<ServiceProcess> {
  const process = launchService(environment, cwd);
  try {
    const [, url] = await process.waitFor(/Listening on (http:[^\s;"]+)/);
    return { url: url!, process, stop: () => process.stop() };
  } catch (error) {
    await process.stop();
    throw error;
  }
}

/** Starts the built service, which must fail. Rejects if it starts. */
export async function failToStart(
  environment: Environment,
  cwd?: string,
): Promise<Ending> {
  const process = launchService(environment, cwd);
  const started = await process.waitFor(/Listening on/).then(
    () => true,
    () => false,
  );
  const ending = await process.stop('SIGKILL');
  if (started) throw new Error(`It did start:\n${ending.stdout}`);
  return ending;
}

/** Runs a program of Node.js in the directory of package.json, and waits for its end. */
export function runNode(
  args: string[],
  environment: Environment = {},
): Promise<Ending> {
  return new NodeProcess(args, environment, ROOT).ended;
}

/** Runs `npm run load -- ...`. */
export function runLoader(...args: string[]): Promise<Ending> {
  return runNode(['--import', 'tsx', 'tools/load/cli.ts', ...args]);
}

function launchService(environment: Environment, cwd?: string): NodeProcess {
  // DRAIN_MS: a test that stops its service sends no more requests.
  const defaults = { PORT: '0', LOG_LEVEL: 'info', DRAIN_MS: '0' };
  return new NodeProcess(startProd(), { ...defaults, ...environment }, cwd);
}
