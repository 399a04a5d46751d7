import { execFile } from 'node:child_process';
import { resolve } from 'node:path';
import { promisify } from 'node:util';

const ROOT = resolve(import.meta.dirname, '../..');

// Every project loads this file anew, and the output directory is emptied by a build.
const shared = globalThis as { serviceBuild?: Promise<unknown> };

/** Builds the service that process tests start: once, however many projects ask. */
export default async function setup(): Promise<void> {
  shared.serviceBuild ??= promisify(execFile)(
    process.execPath,
    ['node_modules/@nestjs/cli/bin/nest.js', 'build'],
    { cwd: ROOT },
  );
  await shared.serviceBuild;
}
