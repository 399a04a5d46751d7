import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Session } from '../support/api.js';
import { inParallel } from '../support/parallel.js';
import { startService } from '../support/service-process.js';
import type { Sizes } from './sizes.js';
import { spreadOf } from './statistics.js';

const CLIENTS = 32;
const BATCH = 100;
const FORKS = 5;
const APPENDS_PER_FORK = 10;
const ALONE_MS = 5_000;
const MESSAGE = { role: 'user', content: 'x'.repeat(300) };
const MESSAGES = { messages: Array.from({ length: BATCH }, () => MESSAGE) };

/** The forks of a store. */
export interface ForkResult {
  store: string;
  /** Messages of the sessions that are forked. */
  sizes: Sizes['forks'];
  rounds: ForkRound[];
}

/** Durations in milliseconds. */
export interface ForkRound {
  /** The median of appends of 100 messages. */
  append: number;
  /** The median of forks of the long session. */
  fork: number;
  /** A fork of the very long session, while others append. */
  longFork: number;
  /** The mean of appends of one message by 32 clients without a fork. */
  alone: number;
  /** The same during the fork of the very long session. */
  beside: number;
  /** The slowest append during the fork. */
  slowest: number;
}

/** Measures forks on each store, of which the URL of a database is given. */
export async function measureForks(
  stores: Record<string, string>,
  sizes: Sizes['forks'],
  rounds: number,
): Promise<ForkResult[]> {
  const results: ForkResult[] = [];
  for (const [store, url] of Object.entries(stores)) {
    results.push({ store, sizes, rounds: await measure(url, sizes, rounds) });
  }
  return results;
}

async function measure(
  databaseUrl: string,
  sizes: Sizes['forks'],
  rounds: number,
): Promise<ForkRound[]> {
  const cwd = await mkdtemp(join(tmpdir(), 'bench-'));
  const environment = { DATABASE_URL: databaseUrl, AUTH_MODE: 'none' };
  const service = await startService(environment, { cwd, asShipped: true });
  try {
    const sessions = `${service.url}/api/chat-sessions`;
    const long = await create(sessions, sizes.long);
    const veryLong = await create(sessions, sizes.veryLong);
    const others = await inParallel(CLIENTS, () => create(sessions, 0));
    const measured: ForkRound[] = [];
    for (let round = 0; round < rounds; round++) {
      measured.push({
        ...(await compareWithAppend(sessions, long)),
        ...(await compareOthers(sessions, veryLong, others)),
      });
    }
    return measured;
  } finally {
    await service.stop();
    await rm(cwd, { recursive: true, force: true });
  }
}

async function compareWithAppend(sessions: string, long: string) {
  const appends: number[] = [];
  const forks: number[] = [];
  const target = await create(sessions, 0);
  for (let turn = 0; turn < FORKS; turn++) {
    for (let each = 0; each < APPENDS_PER_FORK; each++) {
      appends.push(await timeOf(`${sessions}/${target}/messages`, MESSAGES));
    }
    forks.push(await timeOf(`${sessions}/${long}/fork`, {}));
  }
  return { append: spreadOf(appends).median, fork: spreadOf(forks).median };
}

async function compareOthers(
  sessions: string,
  veryLong: string,
  others: string[],
) {
  const urls = others.map((id) => `${sessions}/${id}/messages`);
  const alone = await appending(urls, () => sleep(ALONE_MS));
  let longFork = 0;
  const beside = await appending(urls, async () => {
    longFork = await timeOf(`${sessions}/${veryLong}/fork`, {});
  });
  return {
    longFork,
    alone: alone.mean,
    beside: beside.mean,
    slowest: beside.slowest,
  };
}

/** Appends with all clients until something has ended. Returns the durations of the appends. */
async function appending(urls: string[], during: () => Promise<unknown>) {
  let hasEnded = false;
  const durations: number[] = [];
  const clients = urls.map(async (url) => {
    while (!hasEnded) durations.push(await timeOf(url, MESSAGE));
  });
  await during();
  hasEnded = true;
  await Promise.all(clients);
  const sum = durations.reduce((total, one) => total + one, 0);
  return { mean: sum / durations.length, slowest: Math.max(...durations) };
}

async function create(sessions: string, messages: number): Promise<string> {
  const { chat_session } = (await post(sessions, {})) as {
    chat_session: Session;
  };
  const url = `${sessions}/${chat_session.id}/messages`;
  for (let count = 0; count < messages; count += BATCH) {
    await post(url, MESSAGES);
  }
  return chat_session.id;
}

async function timeOf(url: string, body: object): Promise<number> {
  const startedAt = performance.now();
  await post(url, body);
  return performance.now() - startedAt;
}

async function post(url: string, body: object): Promise<unknown> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  if (response.status !== 201) throw new Error(await response.text());
  return response.json();
}
