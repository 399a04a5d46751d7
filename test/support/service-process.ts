import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { PATIENCE } from './patience.js';

/** The directory of package.json. */
export const ROOT = resolve(import.meta.dirname, '../..');

/** A busy machine needs several seconds to start Node.js. */
const START_LIMIT_MS = 60_000;
/** The service ends by itself within 20 s of a SIGTERM. */
const STOP_LIMIT_MS = 60_000;

/**
 * The arguments that `npm run start:prod` passes to Node.js.
 *
 * @param root the directory of the package.json and the build to use
 */
export function startProd(root = ROOT): string[] {
  const { scripts } = JSON.parse(
    readFileSync(join(root, 'package.json'), 'utf8'),
  ) as { scripts: Record<'start:prod', string> };
  // An earlier version, which a benchmark compares, has no `exec`.
  const command = /^(?:exec )?node (.+) (\S+)$/;
  const [, flags, main] = command.exec(scripts['start:prod'])!;
  return [...flags!.split(' '), join(root, main!)];
}

export type Environment = Record<string, string>;

/** How a process ended, and everything that it printed. */
export interface Ending {
  /** Null if a signal ended it. */
  exitCode: number | null;
  stdout: string;
  stderr: string;
}

/**
 * Node.js in a process of its own. Of this process's environment it gets only
 * PATH. Without `cwd` it runs in a new temporary directory. It is killed when
 * this process exits.
 */
export class NodeProcess {
  readonly ended: Promise<Ending>;
  stdout = '';
  stderr = '';
  private readonly child: ChildProcess;

  constructor(args: string[], environment: Environment, cwd?: string) {
    const directory = cwd ?? mkdtempSync(join(tmpdir(), 'chat-sessions-'));
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
    // At `exit` output may still be on its way.
    this.ended = once(this.child, 'close').then(([exitCode]) => {
      process.off('exit', abandon);
      if (!cwd) rmSync(directory, { recursive: true, force: true });
      return {
        exitCode: exitCode as number | null,
        stdout: this.stdout,
        stderr: this.stderr,
      };
    });
  }

  get pid(): number {
    return this.child.pid!;
  }

  /**
   * Resolves to the first match in stdout. Rejects with all output if the
   * process ends first, or after 60 s.
   */
  waitFor(pattern: RegExp): Promise<RegExpExecArray> {
    return new Promise((fulfil, reject) => {
      const check = () => {
        const match = pattern.exec(this.stdout);
        if (match) settle(() => fulfil(match));
      };
      const fail = () =>
        settle(() => reject(new Error(`${this.stdout}\n${this.stderr}`)));
      const timer = setTimeout(fail, START_LIMIT_MS);
      const settle = (how: () => void) => {
        clearTimeout(timer);
        this.child.stdout?.off('data', check);
        how();
      };
      this.child.stdout?.on('data', check);
      void this.ended.then(fail);
      check();
    });
  }

  /** Sends a signal and does not wait for its effect. */
  signal(signal: NodeJS.Signals): void {
    this.child.kill(signal);
  }

  /** Sends the signal, and SIGKILL if the process has not ended after 60 s. */
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

/** The built service, listening. */
export interface ServiceProcess {
  readonly url: string;
  readonly process: NodeProcess;
  stop(): Promise<Ending>;
}

export interface LaunchOptions {
  /** The working directory; a new temporary one by default. */
  cwd?: string;
  /** The checkout whose build is started; this one by default. */
  root?: string;
  /** Whether the limits of time are the service's own. By default they suit a busy machine. */
  asShipped?: boolean;
}

/** Launches the built service on a free port and does not wait until it listens. */
export function launchService(
  environment: Environment,
  { cwd, root, asShipped = false }: LaunchOptions = {},
): NodeProcess {
  // A test that stops a service sends it no more requests: no drain is needed.
  const defaults = {
    PORT: '0',
    LOG_LEVEL: 'info',
    DRAIN_MS: '0',
    ...(!asShipped && PATIENCE),
  };
  return new NodeProcess(startProd(root), { ...defaults, ...environment }, cwd);
}

/**
 * Waits until a launched service, or another program that prints the same line,
 * listens. Rejects with its output if it does not start.
 */
export async function listening(process: NodeProcess): Promise<ServiceProcess> {
  const [, url] = await process.waitFor(/Listening on (http:[^\s;"]+)[\s;"]/);
  return { url: url!, process, stop: () => process.stop() };
}

/** Starts the built service on a free port. Rejects with its output if it does not start. */
export async function startService(
  environment: Environment = {},
  options: LaunchOptions = {},
): Promise<ServiceProcess> {
  const process = launchService(environment, options);
  try {
    return await listening(process);
  } catch (error) {
    await process.stop('SIGKILL');
    throw error;
  }
}

/** A start that is expected to fail. Rejects if the service starts. */
export async function failToStart(
  environment: Environment,
  options: LaunchOptions = {},
): Promise<Ending> {
  const process = launchService(environment, options);
  const started = await listening(process).then(
    () => true,
    () => false,
  );
  const ending = await process.stop('SIGKILL');
  if (started) throw new Error(`The service started:\n${ending.stdout}`);
  return ending;
}
