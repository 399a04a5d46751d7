// `npx tsx test/bench/forks.ts`, after `npm run build`: how long the built
// service takes to fork sessions of 10,000 and 100,000 messages, on each store,
// beside an append of 100 messages, and how long appends of 32 other clients
// take meanwhile. `--rounds N` repeats it.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import type { Session } from '../support/api.js';
import { inParallel } from '../support/parallel.js';
import { startPreparedServer, urlOf } from '../support/prepared-server.js';
import { startService } from '../support/service-process.js';
import { spreadOf } from './statistics.js';

const CLIENTS = 32;
const BATCH = 100;
const LONG = 10_000;
const VERY_LONG = 100_000;
const MESSAGE = { role: 'user', content: 'x'.repeat(300) };
const MESSAGES = { messages: Array.from({ length: BATCH }, () => MESSAGE) };

const { rounds } = parseArgs({
  options: { rounds: { type: 'string', default: '3' } },
}).values;

console.log('SQLite');
await measure('sqlite:chat.sqlite');
const server = await startPreparedServer();
try {
  console.log('MariaDB');
  await measure(urlOf([server]));
} finally {
  await server.stop();
}

async function measure(databaseUrl: string) {
  const cwd = await mkdtemp(join(tmpdir(), 'bench-'));
  const environment = { DATABASE_URL: databaseUrl, AUTH_MODE: 'none' };
  const service = await startService(environment, { cwd });
  try {
    const sessions = `${service.url}/api/chat-sessions`;
    const long = await create(sessions, LONG);
    const veryLong = await create(sessions, VERY_LONG);
    const others = await inParallel(CLIENTS, () => create(sessions, 0));
    for (let round = 1; round <= Number(rounds); round++) {
      console.log(`round ${round}`);
      await compareWithAppend(sessions, long);
      await compareOthers(sessions, veryLong, others);
    }
  } finally {
    await service.stop();
    await rm(cwd, { recursive: true, force: true });
  }
}

async function compareWithAppend(sessions: string, long: string) {
  const appends: number[] = [];
  const forks: number[] = [];
  const target = await create(sessions, 0);
  for (let turn = 0; turn < 5; turn++) {
    for (let each = 0; each < 10; each++) {
      appends.push(await timeOf(`${sessions}/${target}/messages`, MESSAGES));
    }
    forks.push(await timeOf(`${sessions}/${long}/fork`, {}));
  }
  const append = spreadOf(appends).median;
  const fork = spreadOf(forks).median;
  console.log(
    `  fork of ${LONG}: ${fork.toFixed(0)} ms, append of ${BATCH}: ${append.toFixed(1)} ms, x ${(fork / append).toFixed(1)}`,
  );
}

async function compareOthers(
  sessions: string,
  veryLong: string,
  others: string[],
) {
  const urls = others.map((id) => `${sessions}/${id}/messages`);
  const alone = await appending(urls, () => sleep(5_000));
  let took = 0;
  const beside = await appending(urls, async () => {
    took = await timeOf(`${sessions}/${veryLong}/fork`, {});
  });
  console.log(
    `  fork of ${VERY_LONG}: ${(took / 1_000).toFixed(1)} s; appends of ${CLIENTS} clients meanwhile: mean ${beside.mean.toFixed(1)} ms, x ${(beside.mean / alone.mean).toFixed(2)}; slowest ${beside.slowest.toFixed(0)} ms (alone ${alone.slowest.toFixed(0)} ms)`,
  );
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
