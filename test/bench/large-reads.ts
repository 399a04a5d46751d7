// `npx tsx test/bench/large-reads.ts`, after `npm run build`: memory of the
// service, and the slowest health check, while 50 clients read the largest
// responses at once, on each store. `--before DIRECTORY` measures another build
// as well, `--rounds N` repeats all.
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { inParallel } from '../support/parallel.js';
import { startPreparedServer, urlOf } from '../support/prepared-server.js';
import { startService } from '../support/service-process.js';
import { rssOf } from './process-figures.js';

const CLIENTS = 50;
const ROUNDS = 3;
const SAMPLE_MS = 20;
const CHANGES = 'changes of sessions';
/** The response has the newest messages. */
const CHANGE: RequestInit = {
  method: 'PATCH',
  headers: { 'content-type': 'application/json' },
  body: '{"pinned":true}',
};

const { before, rounds } = parseArgs({
  options: {
    before: { type: 'string' },
    rounds: { type: 'string', default: '1' },
  },
}).values;

for (let round = 0; round < Number(rounds); round++) {
  for (const root of before ? [before, undefined] : [undefined]) {
    const name = root ?? 'this version';
    // In the temporary directory that the service runs in.
    await measure(`${name}, SQLite`, 'sqlite:chat.sqlite', root);
    const server = await startPreparedServer();
    try {
      await measure(`${name}, MariaDB`, urlOf([server]), root);
    } finally {
      await server.stop();
    }
  }
}

async function measure(
  title: string,
  databaseUrl: string,
  root: string | undefined,
): Promise<void> {
  const environment = { DATABASE_URL: databaseUrl, AUTH_MODE: 'none' };
  const service = await startService(environment, { root });
  try {
    console.log(title);
    await readAll(service.url, service.process.pid);
  } finally {
    await service.stop();
  }
}

async function readAll(url: string, pid: number): Promise<void> {
  const api = `${url}/api/chat-sessions`;
  const ids = await inParallel(4, () => fill(api));
  for (let sessions = 0; sessions < 45; sessions++) {
    const documents = Array.from({ length: 100 }, (_, n) =>
      `${n}`.padEnd(1000, 'x'),
    );
    await post(api, { context_documents: documents });
  }
  const reads = {
    'pages of messages': ids.map((id) => `${api}/${id}/messages`),
    sessions: ids.map((id) => `${api}/${id}`),
    'pages of sessions': [`${api}?limit=100`],
    [CHANGES]: ids.map((id) => `${api}/${id}`),
  };
  for (const [name, paths] of Object.entries(reads)) {
    let isDone = false;
    let mostMb = 0;
    let slowestMs = 0;
    let refused = 0;
    const checkHealth = async () => {
      while (!isDone) {
        const start = performance.now();
        await (await fetch(`${url}/health/live`)).text();
        slowestMs = Math.max(slowestMs, performance.now() - start);
        await sleep(SAMPLE_MS);
      }
    };
    const sampleMemory = async () => {
      while (!isDone) {
        mostMb = Math.max(mostMb, await rssOf(pid));
        await sleep(SAMPLE_MS);
      }
    };
    const watching = Promise.all([checkHealth(), sampleMemory()]);
    for (let round = 0; round < ROUNDS; round++) {
      await inParallel(CLIENTS, async (client) => {
        const path = paths[client % paths.length]!;
        const response = await fetch(path, name === CHANGES ? CHANGE : {});
        await response.arrayBuffer();
        if (response.status !== 200) refused++;
      });
    }
    isDone = true;
    await watching;
    console.log(
      `  ${CLIENTS} ${name}: ${mostMb.toFixed(0)} MB at most, a health check took ${slowestMs.toFixed(0)} ms at most; ${refused} of ${CLIENTS * ROUNDS} got 503`,
    );
  }
}

/** A session whose newest 50 messages are just below 4 MiB. */
async function fill(api: string): Promise<string> {
  const { chat_session } = await post<{ chat_session: { id: string } }>(
    api,
    {},
  );
  const message = { role: 'user', content: 'x'.repeat(80 * 1024) };
  for (let batches = 0; batches < 5; batches++) {
    const messages = Array.from({ length: 10 }, () => message);
    await post(`${api}/${chat_session.id}/messages`, { messages });
  }
  return chat_session.id;
}

async function post<T>(url: string, body: object): Promise<T> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  if (!response.ok) throw new Error(await response.text());
  return (await response.json()) as T;
}
