import { execFileSync } from 'node:child_process';
import {
  closeSync,
  fdatasyncSync,
  openSync,
  readFileSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { cpus, release, tmpdir, totalmem } from 'node:os';
import { join } from 'node:path';
import { ROOT } from '../support/service-process.js';
import { toolVersions } from './servers.js';
import { spreadOf } from './statistics.js';

const PACKAGES = [
  '@nestjs/core',
  'fastify',
  'express',
  'typeorm',
  'mysql2',
  'better-sqlite3',
];
const SYNCS = 200;

/** The machine and the versions of a run. */
export interface Machine {
  processor: string;
  cores: number;
  gigabytes: number;
  system: string;
  /** The milliseconds of a write of 4 KiB with fdatasync. */
  syncMs: number;
  node: string;
  packages: Record<string, string>;
  python: string;
  wrk: string;
  commit: string;
  date: string;
}

/** @param directory of the file that is synced; the database's by default */
export async function describeMachine(directory = tmpdir()): Promise<Machine> {
  const versions = PACKAGES.map((name) => {
    const file = join(ROOT, 'node_modules', name, 'package.json');
    const { version } = JSON.parse(readFileSync(file, 'utf8')) as {
      version: string;
    };
    return [name, version];
  });
  return {
    processor: cpus()[0]!.model,
    cores: cpus().length,
    gigabytes: Math.round(totalmem() / 2 ** 30),
    system: `${prettyName()}, Linux ${release()}`,
    syncMs: measureSync(directory),
    node: process.version.slice(1),
    packages: Object.fromEntries(versions) as Record<string, string>,
    ...(await toolVersions()),
    commit: describeCommit(),
    date: new Date().toISOString().slice(0, 10),
  };
}

function prettyName(): string {
  const text = readFileSync('/etc/os-release', 'utf8');
  return /^PRETTY_NAME="(.*)"$/m.exec(text)?.[1] ?? 'unknown';
}

function measureSync(directory: string): number {
  const path = join(directory, `bench-sync-${process.pid}`);
  const file = openSync(path, 'w');
  const block = Buffer.alloc(4096, 1);
  try {
    const times = Array.from({ length: SYNCS }, () => {
      const start = performance.now();
      writeSync(file, block);
      fdatasyncSync(file);
      return performance.now() - start;
    });
    return spreadOf(times).median;
  } finally {
    closeSync(file);
    rmSync(path);
  }
}

/** The commit of a checkout, with `-dirty` if it has uncommitted changes. */
export function describeCommit(root = ROOT): string {
  const args = ['describe', '--always', '--dirty', '--exclude=*'];
  return execFileSync('git', args, { cwd: root, encoding: 'utf8' }).trim();
}
