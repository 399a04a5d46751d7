import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

/** Where package.json is. */
export const ROOT = resolve(import.meta.dirname, '../..');

const { scripts } = JSON.parse(
  readFileSync(join(ROOT, 'package.json'), 'utf8'),
) as { scripts: Record<'start:prod', string> };
const [, FLAGS, MAIN] = /^node (.+) (\S+)$/.exec(scripts['start:prod'])!;

/** What Node.js is given by `npm run start:prod`, from anywhere. */
export function startProd(directory = ROOT): string[] {
  return [...FLAGS!.split(' '), join(directory, MAIN!)];
}

const START_LIMIT_MS = 30_000;
const STOP_LIMIT_MS = 10_000;

export type Environment = Record<string, string>;

/** How a process ended, and all that it said. */
export interface Ending {
  /** Null where a signal ended it. */
  exitCode: number | null;
  stdout: string;
  stderr: string;
  /** From its start. */
  seconds: number;
}

/**
 * Node.js in a process of its own, with nothing of this one's environment but
 * PATH, in a directory of its own unless one is given. It does not outlive this
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
    // Not `exit`: there may be output to come.
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

  /** Resolves to what matched in stdout; rejects with all output where the process ends, or 30 s pass, before. */
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

  /** Sends a signal, and waits for nothing. */
  signal(signal: NodeJS.Signals): void {
    this.child.kill(signal);
  }

  /** SIGKILL follows where the signal is not heard within 10 s. */
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

/** The built service, which listens. */
export interface ServiceProcess {
  readonly url: string;
  readonly process: NodeProcess;
  stop(): Promise<Ending>;
}

/** Starts the built service on a free port; rejects with its output where it does not come up. */
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

/** A start that must not succeed; rejects where it does. */
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

/** Runs a program of Node.js to its end, where package.json is. */
export function runNode(
  args: string[],
  environment: Environment = {},
): Promise<Ending> {
  return new NodeProcess(args, environment, ROOT).ended;
}

/** The loader, as `npm run load -- ...`. */
export function runLoader(...args: string[]): Promise<Ending> {
  return runNode(['--import', 'tsx', 'tools/load/cli.ts', ...args]);
}

function launchService(environment: Environment, cwd?: string): NodeProcess {
  // Who stops a service in a test sends it nothing more.
  const defaults = { PORT: '0', LOG_LEVEL: 'info', DRAIN_MS: '0' };
  return new NodeProcess(startProd(), { ...defaults, ...environment }, cwd);
}
