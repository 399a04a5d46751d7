// `npx tsx test/bench/large-requests.ts`, after `npm run build`: memory of the
// service, and the slowest health check, while 50 clients send the largest
// requests at once, or read the largest responses, on each store. Each line is
// a new process. `--before DIRECTORY` measures another build as well,
// `--rounds N` repeats all, and `--only sessions` runs only that line.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { inParallel } from '../support/parallel.js';
import { startPreparedServer, urlOf } from '../support/prepared-server.js';
import {
  type ServiceProcess,
  startService,
} from '../support/service-process.js';
import { rssOf } from './process-figures.js';

const CLIENTS = 50;
const ROUNDS = 3;
const SAMPLE_MS = 20;
const MESSAGE = { role: 'user', content: 'x'.repeat(80 * 1024) };
/** Just below 4 MiB, the default of BODY_LIMIT. */
const MESSAGES = jsonOf({
  messages: Array.from({ length: 49 }, () => MESSAGE),
});
/** Not large enough to wait for its turn. */
const FEW_MESSAGES = jsonOf({ messages: [MESSAGE, MESSAGE, MESSAGE] });

/** A request of the client with this number to this API. */
type RequestOf = (
  api: string,
  client: number,
) => { url: string; init?: RequestInit };

const { before, only, rounds } = parseArgs({
  options: {
    before: { type: 'string' },
    only: { type: 'string' },
    rounds: { type: 'string', default: '1' },
  },
}).values;

for (let round = 0; round < Number(rounds); round++) {
  for (const root of before ? [before, undefined] : [undefined]) {
    const name = root ?? 'this version';
    console.log(`${name}, SQLite`);
    await measure('sqlite:chat.sqlite', root);
    const server = await startPreparedServer();
    try {
      console.log(`${name}, MariaDB`);
      await measure(urlOf([server]), root);
    } finally {
      await server.stop();
    }
  }
}

async function measure(databaseUrl: string, root: string | undefined) {
  const environment = { DATABASE_URL: databaseUrl, AUTH_MODE: 'none' };
  const cwd = await mkdtemp(join(tmpdir(), 'bench-'));
  const options = { root, cwd };
  try {
    const filling = await startService(environment, options);
    const ids = await fill(apiOf(filling));
    await filling.stop();
    for (const [name, requestOf] of Object.entries(casesOf(ids))) {
      if (only && name !== only) continue;
      const service = await startService(environment, options);
      await measureCase(service, name, requestOf);
      await service.stop();
    }
  } finally {
    await rm(cwd, { recursive: true, force: true });
  }
}

/** @param ids of a session for each client */
function casesOf(ids: string[]): Record<string, RequestOf> {
  return {
    'pages of messages': (api, n) => ({ url: `${api}/${ids[n]}/messages` }),
    'pages of 1 MiB': (api, n) => ({
      url: `${api}/${ids[n]}/messages?limit=12`,
    }),
    sessions: (api, n) => ({ url: `${api}/${ids[n]}` }),
    'sessions, four of them': (api, n) => ({ url: `${api}/${ids[n % 4]}` }),
    'sessions that are cached': (api, n) => ({
      url: `${api}/${ids[n]}?messages=6`,
    }),
    'pages of sessions': (api) => ({ url: `${api}?limit=100` }),
    // The next two respond with the newest messages.
    'changes of sessions': (api, n) => ({
      url: `${api}/${ids[n]}`,
      init: { ...jsonOf({ pinned: true }), method: 'PATCH' },
    }),
    'sessions that exist': (api, n) => ({
      url: api,
      init: jsonOf({ id: ids[n] }),
    }),
    'new sessions': (api) => ({ url: api, init: MESSAGES }),
    appends: (api, n) => ({
      url: `${api}/${ids[n]}/messages`,
      init: MESSAGES,
    }),
    'appends of 240 KiB': (api, n) => ({
      url: `${api}/${ids[n]}/messages`,
      init: FEW_MESSAGES,
    }),
  };
}

async function measureCase(
  service: ServiceProcess,
  name: string,
  requestOf: RequestOf,
): Promise<void> {
  const { url, process } = service;
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
      mostMb = Math.max(mostMb, await rssOf(process.pid));
      await sleep(SAMPLE_MS);
    }
  };
  const watching = Promise.all([checkHealth(), sampleMemory()]);
  for (let round = 0; round < ROUNDS; round++) {
    await inParallel(CLIENTS, async (client) => {
      const request = requestOf(apiOf(service), client);
      const response = await fetch(request.url, request.init);
      await response.arrayBuffer();
      if (!response.ok) refused++;
    });
  }
  isDone = true;
  await watching;
  console.log(
    `  ${CLIENTS} ${name}: ${mostMb.toFixed(0)} MB at most, a health check took ${slowestMs.toFixed(0)} ms at most; ${refused} of ${CLIENTS * ROUNDS} were refused`,
  );
}

function apiOf({ url }: ServiceProcess): string {
  return `${url}/api/chat-sessions`;
}

/** Creates a session for each client, whose newest messages are just below 4 MiB, and sessions with large context documents. Returns the ids of the first. */
async function fill(api: string): Promise<string[]> {
  const ids: string[] = [];
  while (ids.length < CLIENTS) {
    const { chat_session } = await post<{ chat_session: { id: string } }>(
      api,
      jsonOf({}),
    );
    await post(`${api}/${chat_session.id}/messages`, MESSAGES);
    ids.push(chat_session.id);
  }
  const context_documents = Array.from({ length: 100 }, (_, n) =>
    `${n}`.padEnd(1000, 'x'),
  );
  for (let sessions = 0; sessions < 45; sessions++) {
    await post(api, jsonOf({ context_documents }));
  }
  return ids;
}

async function post<T>(url: string, init: RequestInit): Promise<T> {
  const response = await fetch(url, init);
  if (!response.ok) throw new Error(await response.text());
  return (await response.json()) as T;
}

function jsonOf(body: object): RequestInit {
  return {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  };
}
