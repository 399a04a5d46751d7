// `npx tsx test/bench/large-requests.ts`, after `npm run build`: memory of the
// service, and the slowest health check, while 50 clients send the largest
// requests at once, or read the largest responses, on each store. Each line is
// a new process. `--before DIRECTORY` measures another build as well,
// `--rounds N` repeats all, and `--only sessions`, which may be given several
// times, runs only that line. Ends with status 1 if this version takes more than
// 200 MB, or more than 300 MB with messages of 12 MiB.
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
import {
  appendOf,
  CLIENTS,
  createOf,
  FEW_MESSAGES,
  fill,
  jsonOf,
  type LargeSessions,
  MANY_VALUES,
  MESSAGES,
  PICTURES,
  REPLACING_PICTURE,
} from './large-sessions.js';
import { rssOf } from './process-figures.js';

const ROUNDS = 3;
const SAMPLE_MS = 20;
const LIMIT_MB = 200;
const LIMIT_OF_PICTURES_MB = 300;

/** A request of the client with this number to this API. */
type RequestOf = (
  api: string,
  client: number,
) => { url: string; init?: RequestInit };

const { before, only, rounds } = parseArgs({
  options: {
    before: { type: 'string' },
    only: { type: 'string', multiple: true },
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
  const options = { root, cwd, asShipped: true };
  try {
    const filling = await startService(environment, options);
    const sessions = await fill(apiOf(filling));
    await filling.stop();
    for (const [name, requestOf] of Object.entries(casesOf(sessions))) {
      if (only && !only.includes(name)) continue;
      const service = await startService(environment, options);
      const mostMb = await measureCase(service, name, requestOf);
      const limitMb = name.includes('12 MiB') ? LIMIT_OF_PICTURES_MB : LIMIT_MB;
      if (!root && mostMb > limitMb) {
        console.log(`    missed: at most ${limitMb} MB`);
        process.exitCode = 1;
      }
      await service.stop();
    }
  } finally {
    await rm(cwd, { recursive: true, force: true });
  }
}

function casesOf(sessions: LargeSessions): Record<string, RequestOf> {
  const {
    ids,
    ofMessage,
    ofPicture,
    toPicture,
    ofValues,
    ofReferences,
    ofFewReferences,
  } = sessions;
  const get = (path: string): RequestOf => {
    return (api) => ({ url: `${api}${path}` });
  };
  const post = (body: object | string): RequestOf => {
    return (api) => ({ url: api, init: jsonOf(body) });
  };
  return {
    'pages of messages': (api, n) => ({ url: `${api}/${ids[n]}/messages` }),
    'pages of 1 MiB': (api, n) => ({
      url: `${api}/${ids[n]}/messages?limit=12`,
    }),
    'single messages': get(`/${ofMessage}/messages/large`),
    histories: get('/../history'),
    sessions: (api, n) => ({ url: `${api}/${ids[n]}` }),
    'sessions, four of them': (api, n) => ({ url: `${api}/${ids[n % 4]}` }),
    'sessions that are cached': (api, n) => ({
      url: `${api}/${ids[n]}?messages=6`,
    }),
    'sessions with references': get(`/${ofReferences}`),
    'sessions with 1 MiB of references': get(`/${ofFewReferences}`),
    'sessions of many values': get(`/${ofValues}`),
    'pages of sessions': get('?limit=100'),
    // The next four respond with the newest messages.
    'changes of sessions': (api, n) => ({
      url: `${api}/${ids[n]}`,
      init: { ...jsonOf({ pinned: true }), method: 'PATCH' },
    }),
    'sessions that exist': (api, n) => ({
      url: api,
      init: jsonOf({ id: ids[n] }),
    }),
    'sessions of sections': (api, n) => ({
      url: `${api}/../documents/d/sections/${n}/chat-session`,
      init: { method: 'POST' },
    }),
    'creates that are sent again': (api, n) => ({
      url: api,
      init: createOf(n),
    }),
    'appends that are sent again': (api, n) => ({
      url: `${api}/${ids[n]}/messages`,
      init: appendOf(n),
    }),
    'new sessions': post(MESSAGES),
    'new sessions of many values': post(MANY_VALUES),
    appends: (api, n) => ({
      url: `${api}/${ids[n]}/messages`,
      init: jsonOf(MESSAGES),
    }),
    'appends of 12 MiB': (api, n) => ({
      url: `${api}/${ids[n]}/messages`,
      init: jsonOf(PICTURES),
    }),
    'creates of 12 MiB': post(PICTURES),
    'replacements of 12 MiB': (api, n) => ({
      url: `${api}/${ids[n]}/messages/replace`,
      init: jsonOf(REPLACING_PICTURE),
    }),
    'changes of messages of 12 MiB': (api) => ({
      url: `${api}/${ofPicture}/messages/picture`,
      init: { ...jsonOf({ metadata: { a: 1 } }), method: 'PATCH' },
    }),
    'forks of sessions of 12 MiB': (api) => ({
      url: `${api}/${toPicture}/fork`,
      init: jsonOf({}),
    }),
    'sessions of 12 MiB': get(`/${toPicture}`),
    'pages of 12 MiB': get(`/${ofPicture}/messages?around=2`),
    'single messages of 12 MiB': get(`/${ofPicture}/messages/picture`),
    'appends of 240 KiB': (api, n) => ({
      url: `${api}/${ids[n]}/messages`,
      init: jsonOf(FEW_MESSAGES),
    }),
  };
}

async function measureCase(
  service: ServiceProcess,
  name: string,
  requestOf: RequestOf,
): Promise<number> {
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
  return mostMb;
}

function apiOf({ url }: ServiceProcess): string {
  return `${url}/api/chat-sessions`;
}
