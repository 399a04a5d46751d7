import { execFileSync } from 'node:child_process';
import { mkdtempSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ROOT } from './service-process.js';

/** The last commit of the version before, which knows sessions as lines. */
const COMMIT = '4bb807be25096c8972c4d72c81c44ac8690e2010';

/**
 * Builds the version before, from the history of this checkout and with its
 * node_modules. Returns the directory of its package.json, which is the caller's
 * to remove.
 */
export function buildVersionBefore(): string {
  const directory = mkdtempSync(join(tmpdir(), 'chat-sessions-before-'));
  const archive = join(directory, 'source.tar');
  try {
    run('git', ['archive', '--output', archive, COMMIT], ROOT);
  } catch (error) {
    throw new Error(
      `The version before (${COMMIT.slice(0, 7)}) is not in the history of this checkout. In a shallow clone, run \`git fetch --unshallow\`.`,
      { cause: error },
    );
  }
  run('tar', ['-xf', archive], directory);
  symlinkSync(join(ROOT, 'node_modules'), join(directory, 'node_modules'));
  run('npm', ['run', 'build'], directory);
  return directory;
}

function run(command: string, args: string[], cwd: string): void {
  execFileSync(command, args, { cwd, stdio: ['ignore', 'ignore', 'pipe'] });
}
