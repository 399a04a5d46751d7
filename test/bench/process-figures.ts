import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from '../support/mysql-server.js';
import { NodeProcess, startProd } from '../support/service-process.js';
import { type Measurement, putUnderLoad } from './load.js';
import type { Server } from './servers.js';
import { spreadOf } from './statistics.js';

const START_LIMIT_MS = 60_000;
const POLL_MS = 5;
const SAMPLE_MS = 1_000;
/** The memory at one time is the median of this many samples. */
const SAMPLES = 10;

export interface MemoryResult {
  minutes: number;
  load: Measurement;
  /** RSS in megabytes, one sample a second. */
  samples: number[];
  /** The memory after a tenth of the time. */
  early: number;
  /** The memory at the end. */
  late: number;
}

/** Measures the memory of a server under a constant load. */
export async function measureMemory(
  server: Server,
  load: { file: string; connections: number },
  minutes: number,
): Promise<MemoryResult> {
  const samples: number[] = [];
  const ended = new AbortController();
  const sampling = (async () => {
    while (!ended.signal.aborted) {
      samples.push(await rssOf(server.pid));
      await sleep(SAMPLE_MS);
    }
  })();
  let measured: Measurement;
  try {
    const seconds = Math.round(minutes * 60);
    measured = await putUnderLoad(server.url, { ...load, seconds });
  } finally {
    ended.abort();
    await sampling;
  }
  const around = (index: number) =>
    spreadOf(samples.slice(index - SAMPLES / 2, index + SAMPLES / 2)).median;
  return {
    minutes,
    load: measured,
    samples,
    early: around(Math.max(Math.round(samples.length / 10), SAMPLES / 2)),
    late: around(samples.length - SAMPLES / 2),
  };
}

export async function rssOf(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)![1]) / 1000;
}

/**
 * Measures the seconds from the start of a process to its readiness, on the
 * embedded store in an empty directory.
 *
 * @param roots the checkouts whose builds are started, in turn
 * @returns the seconds of each checkout
 */
export async function measureStarts(
  count: number,
  roots: string[],
): Promise<number[][]> {
  const seconds = roots.map((): number[] => []);
  for (let i = 0; i < count; i++) {
    for (const [index, root] of roots.entries()) {
      seconds[index]!.push(await startOnce(root));
    }
  }
  return seconds;
}

async function startOnce(root: string): Promise<number> {
  const port = await freePort();
  const start = performance.now();
  const service = new NodeProcess(startProd(root), { PORT: String(port) });
  try {
    for (;;) {
      if (await isReady(port)) return (performance.now() - start) / 1000;
      if (performance.now() - start > START_LIMIT_MS) {
        throw new Error(`The service is not ready: ${service.stderr}`);
      }
      await sleep(POLL_MS);
    }
  } finally {
    await service.stop();
  }
}

async function isReady(port: number): Promise<boolean> {
  try {
    return (await fetch(`http://127.0.0.1:${port}/health/ready`)).ok;
  } catch {
    return false;
  }
}
