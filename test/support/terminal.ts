import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { onTestFinished } from 'vitest';
import { temporaryDirectory } from './temporary-directory.js';

/** A build of the service is part of some commands. */
const LIMIT_MS = 240_000;
const PSEUDO_TERMINAL = 'import pty, sys; sys.exit(pty.spawn(sys.argv[1:]))';

const SHELLS = {
  bash: ['bash', '--norc', '--noprofile', '-i'],
  zsh: ['zsh', '-i'],
};
export type Shell = keyof typeof SHELLS;

/**
 * An interactive shell in a terminal of its own, as somebody has it who has set
 * nothing. Closing it ends what runs in it, at the latest when the test ends.
 */
export class Terminal {
  /** Everything that was printed, with what was typed. */
  screen = '';
  private readonly child: ChildProcess;
  private readonly ended: Promise<void>;
  private hasEnded = false;
  private marks = 0;

  constructor(shell: Shell, cwd: string) {
    const HOME = temporaryDirectory();
    // Without it, zsh offers to write one.
    writeFileSync(join(HOME, '.zshrc'), '');
    const environment = [
      `PATH=${process.env.PATH}`,
      `HOME=${HOME}`,
      'TERM=xterm',
      'LANG=C.UTF-8',
      // A shell writes its history when its window is closed, which nobody waits for.
      'HISTFILE=/dev/null',
      'npm_config_update_notifier=false',
    ];
    const command = ['env', '-i', ...environment, ...SHELLS[shell]];
    this.child = spawn('python3', ['-c', PSEUDO_TERMINAL, ...command], {
      cwd,
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    this.ended = once(this.child, 'close').then(() => {
      this.hasEnded = true;
    });
    this.child.stdin!.on('error', () => undefined);
    this.child.stdout!.setEncoding('utf8').on('data', (text: string) => {
      this.screen += text;
    });
    onTestFinished(() => this.close());
  }

  type(keys: string): void {
    this.child.stdin!.write(keys);
  }

  /**
   * Pastes text as terminals do, and presses Enter.
   * @param isBracketed whether the terminal marks the text as pasted, so that no
   *   line runs before Enter
   */
  paste(text: string, isBracketed: boolean): void {
    const keys = text.trimEnd().replaceAll('\n', '\r');
    this.type(isBracketed ? `\x1b[200~${keys}\x1b[201~\r` : `${keys}\r`);
  }

  /** Resolves when a command that is typed now has run; to what was printed since the last time. */
  async done(): Promise<string> {
    const mark = ++this.marks;
    const start = this.screen.length;
    // The terminal shows the command, too, and it must not contain the mark.
    this.type(`echo mark$((${mark} + 0))end\r`);
    await this.shows(`mark${mark}end`, start);
    return this.screen.slice(start);
  }

  /** Waits until the text is on the screen. */
  async shows(text: string, from = 0): Promise<void> {
    const until = performance.now() + LIMIT_MS;
    while (!this.screen.includes(text, from)) {
      if (this.hasEnded || performance.now() > until) {
        throw new Error(`No ${text} in:\n${this.screen}`);
      }
      await sleep(20);
    }
  }

  /** Closes the window. Its programs get SIGHUP. */
  async close(): Promise<void> {
    this.child.kill('SIGKILL');
    await this.ended;
  }
}
