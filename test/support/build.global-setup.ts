import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { ROOT } from './service-process.js';

// Each project loads this file again, and a build empties dist first.
const shared = globalThis as { serviceBuild?: Promise<void> };

/** Builds and packs the service and the packages for process tests: once for all projects. */
export default function setup(): Promise<void> {
  return (shared.serviceBuild ??= build());
}

async function build(): Promise<void> {
  const child = spawn('npm', ['run', 'pack'], {
    cwd: ROOT,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const [exitCode] = (await once(child, 'exit')) as [number | null];
  if (exitCode !== 0) throw new Error('npm run pack failed');
}
