import { setTimeout as sleep } from 'node:timers/promises';
import { inParallel } from '../support/parallel.js';
import { Connection } from './connection.js';
import { compareWithAppends } from './outputs.js';
import { rssOf } from './process-figures.js';
import { pathsOf } from './requests.js';
import { inPieces, longest, RunWriter } from './run-writer.js';
import type { Pace, ScenarioResult } from './scenario.js';
import { type Group, ownerOf, seed, settle } from './seed.js';
import type { Server } from './servers.js';
import type { Sizes } from './sizes.js';
import type { Stage } from './stage.js';
import { quantile, spreadOf } from './statistics.js';

const PERIOD_MS = 250;
const SAMPLE_MS = 100;
/** UTF-16 units of a large output. */
const LARGE = 64 * 1024;

/** Answers that are being written. Durations are in milliseconds. */
export interface RunResult {
  /** Runs at once, each with an output every 250 ms. */
  writers: number;
  crowd: CrowdRound[];
  finishes: FinishRound[];
}

export interface CrowdRound {
  /** Outputs a second. */
  rate: number;
  p50: number;
  p99: number;
  max: number;
  /** The most memory of the service, in megabytes. */
  rss: number;
}

/** The median finish of answers of 1 MiB, by the outputs that they were written in. */
export interface FinishRound {
  /** Of 64 KiB. */
  large: number;
  /** Of 20 words. */
  small: number;
}

/** Measures runs on MariaDB, and their outputs beside appends. */
export async function measureRuns(
  stage: Stage,
  { writers: count, finishes: finishCount }: Sizes['runs'],
  pace: Pace,
): Promise<{ runs: RunResult; outputs: ScenarioResult }> {
  const group: Group = {
    name: 'runs',
    digit: 'b',
    sessions: count,
    owners: count,
  };
  const database = await stage.database('bench_runs');
  await seed(database.connection, group, stage.templates.usual());
  await settle(database.connection);
  const server = await stage.ours(database.url, 'validated', { name: 'runs' });
  const texts = stage.templates.newMessages().map(({ content }) => content!);
  const pieces = inPieces(texts);
  const paths = pathsOf(group);
  const connections = await inParallel(count, async (n) => {
    await stage.sign(ownerOf(group, n));
    return Connection.open(server.url, stage.tokens.get(ownerOf(group, n))!);
  });
  const start = (n: number) => RunWriter.start(connections[n]!, paths[n]!);
  try {
    const crowd: CrowdRound[] = [];
    for (let round = 0; round < pace.rounds; round++) {
      const writers = await inParallel(count, start);
      const { firstWarmUp } = pace;
      const seconds = round === 0 ? firstWarmUp.seconds : pace.warmUpSeconds;
      await writeAtOnce(writers, pieces, seconds);
      crowd.push(await measureCrowd(server, writers, { pieces, pace }));
      await inParallel(count, (n) => writers[n]!.finish());
    }
    const finishes: FinishRound[] = [];
    for (let round = 0; round < pace.rounds; round++) {
      finishes.push(await measureFinishes(start, finishCount, pieces));
    }
    const outputs = await compareWithAppends(
      { stage, database, server, pieces },
      pace,
    );
    return { runs: { writers: count, crowd, finishes }, outputs };
  } finally {
    for (const connection of connections) connection.close();
  }
}

async function measureCrowd(
  { pid }: Server,
  writers: RunWriter[],
  { pieces, pace: { seconds } }: { pieces: string[]; pace: Pace },
): Promise<CrowdRound> {
  let hasEnded = false;
  let rss = 0;
  const sampling = (async () => {
    while (!hasEnded) {
      rss = Math.max(rss, await rssOf(pid));
      await sleep(SAMPLE_MS);
    }
  })();
  try {
    const latencies = await writeAtOnce(writers, pieces, seconds);
    const sorted = latencies.toSorted((a, b) => a - b);
    return {
      rate: sorted.length / seconds,
      p50: quantile(sorted, 0.5),
      p99: quantile(sorted, 0.99),
      max: sorted.at(-1)!,
      rss,
    };
  } finally {
    hasEnded = true;
    await sampling;
  }
}

/**
 * Each writer has an output every 250 ms, at times of its own. One that waits for
 * the response to the output before counts from the time at which it was due.
 */
async function writeAtOnce(
  writers: RunWriter[],
  pieces: string[],
  seconds: number,
): Promise<number[]> {
  const latencies: number[] = [];
  const start = performance.now();
  const outputs = Math.ceil((seconds * 1000) / PERIOD_MS);
  await inParallel(writers.length, async (n) => {
    const offset = start + (PERIOD_MS * n) / writers.length;
    for (let output = 0; output < outputs; output++) {
      let dueAt = offset + PERIOD_MS * output;
      const wait = dueAt - performance.now();
      if (wait > 0) {
        await sleep(wait);
        dueAt = performance.now();
      }
      await writers[n]!.output(pieces[(n + output) % pieces.length]!);
      latencies.push(performance.now() - dueAt);
    }
  });
  return latencies;
}

async function measureFinishes(
  start: (n: number) => Promise<RunWriter>,
  count: number,
  pieces: string[],
): Promise<FinishRound> {
  const small = longest(pieces);
  const text = small.join('');
  const large = Array.from({ length: Math.ceil(text.length / LARGE) }, (_, n) =>
    text.slice(n * LARGE, (n + 1) * LARGE),
  );
  const answers = [large, small];
  const writers = await inParallel(2 * count, async (n) => {
    const writer = await start(n);
    for (const output of answers[n % 2]!) await writer.output(output);
    return writer;
  });
  const took: number[][] = [[], []];
  for (const [n, writer] of writers.entries()) {
    took[n % 2]!.push(await writer.finish());
  }
  const [ofLarge, ofSmall] = took.map((each) => spreadOf(each).median);
  return { large: ofLarge!, small: ofSmall! };
}
