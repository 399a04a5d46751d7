import { once } from 'node:events';
import { type ClientRequest, type IncomingMessage, request } from 'node:http';
import { connect } from 'node:net';
import { json } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  afterEach,
  beforeAll,
  beforeEach,
  describe,
  expect,
  it,
  vi,
} from 'vitest';
import { ChatMessagesService } from '../../src/chat-sessions/messages/chat-messages.service.js';
import { errorBody, type Message, type Session } from '../support/api.js';
import { inParallel } from '../support/parallel.js';
import { useTestApp } from '../support/test-app.js';
import { as, JWT_MODE } from '../support/tokens.js';

const api = useTestApp({
  environment: { ...JWT_MODE, BODY_LIMIT: '12582912' },
});

const LARGE = bodyOf(512 * 1024);
const SMALL = bodyOf(1024);
/** Larger than the limit of 12 MiB. */
const TOO_LARGE = bodyOf(13 * 1024 * 1024);

let address: string;
let url: URL;
let authorization: string;
const open: ClientRequest[] = [];

beforeAll(async () => {
  address = await api.listen();
});

beforeEach(async () => {
  const caller = await as('alice');
  ({ authorization } = caller);
  const created = await api.send<{ chat_session: Session }>(
    'POST',
    '/api/chat-sessions',
    {},
    caller,
  );
  const { id } = created.body.chat_session;
  url = new URL(`/api/chat-sessions/${id}/messages`, address);
});

afterEach(() => {
  for (const one of open.splice(0)) one.destroy();
});

function bodyOf(bytes: number): Buffer {
  const message = { role: 'user', content: 'x'.repeat(bytes) };
  return Buffer.from(JSON.stringify(message));
}

/** A POST with a connection of its own. Its body is sent in chunks unless it has a length. */
function begin(headers: Record<string, string | number> = {}): ClientRequest {
  const begun = request(url, {
    method: 'POST',
    agent: false,
    headers: { authorization, 'content-type': 'application/json', ...headers },
  });
  begun.on('error', () => undefined);
  open.push(begun);
  return begun;
}

async function responseTo(begun: ClientRequest) {
  const [response] = (await once(begun, 'response')) as [IncomingMessage];
  const { statusCode: status, headers } = response;
  return { status, headers, body: await json(response) };
}

async function send(body: Buffer, headers?: Record<string, number>) {
  const begun = begin(headers);
  begun.end(body);
  return responseTo(begun);
}

function sendWithLength(body: Buffer) {
  return send(body, { 'content-length': body.length });
}

/** Sends the first half of a large body, and nothing more. */
async function stall(
  headers?: Record<string, string | number>,
): Promise<ClientRequest> {
  const begun = begin(headers);
  await new Promise((sent) => begun.write(LARGE.subarray(0, 300 * 1024), sent));
  return begun;
}

/**
 * The most appends that had begun and were not done.
 * @param patience milliseconds that each waits for another to begin
 */
async function mostAtOnce(
  patience: number,
  run: () => Promise<unknown>,
): Promise<number> {
  const service = api.app.get(ChatMessagesService);
  const append = service.append.bind(service);
  let running = 0;
  let most = 0;
  const spy = vi
    .spyOn(service, 'append')
    .mockImplementation(async (...args) => {
      most = Math.max(most, ++running);
      const until = performance.now() + patience;
      while (most === 1 && performance.now() < until) await sleep(1);
      return append(...args).finally(() => running--);
    });
  try {
    await run();
  } finally {
    spy.mockRestore();
  }
  return most;
}

describe.each([
  ['with a Content-Length', sendWithLength],
  ['in chunks', send],
])('large bodies %s', (_, post) => {
  it('are served one after the other', async () => {
    const most = await mostAtOnce(5, async () => {
      const responses = await inParallel(12, () => post(LARGE));
      expect(responses.map(({ status }) => status)).toEqual(
        Array.from({ length: 12 }, () => 201),
      );
    });
    expect(most).toBe(1);
  });

  it('are stored whole', async () => {
    const { status, body } = await post(LARGE);
    expect({ status, body }).toMatchObject({
      status: 201,
      body: { message: { content: 'x'.repeat(512 * 1024) } },
    });
  });

  it('give their places back after 413', async () => {
    const refused = await inParallel(6, () => post(TOO_LARGE));
    expect(refused.map(({ status }) => status)).toEqual(
      Array.from({ length: 6 }, () => 413),
    );
    expect((await post(LARGE)).status).toBe(201);
  });
});

describe.each([
  ['with a Content-Length', { 'content-length': LARGE.length }],
  ['in chunks', {}],
])('a large body %s, if its caller is not identified,', (_, headers) => {
  beforeEach(() => {
    authorization = 'Bearer none';
  });

  it('is not waited for', async () => {
    expect(await responseTo(await stall(headers))).toMatchObject({
      status: 401,
      headers: { vary: expect.stringContaining('Authorization') as string },
      body: errorBody(
        'The Authorization header is not a Bearer token',
        'unauthorized',
      ),
    });
  });

  it('gets 404 from a route that does not exist', async () => {
    url = new URL('/api/nothing', address);
    expect((await responseTo(await stall(headers))).status).toBe(404);
  });
});

it('serves small bodies as they come', async () => {
  const most = await mostAtOnce(30_000, () =>
    inParallel(12, () => send(SMALL)),
  );
  expect(most).toBeGreaterThan(1);
});

it('serves others while one client is slow', async () => {
  await stall();
  expect((await send(LARGE)).status).toBe(201);
});

it('serves small bodies in chunks while slow clients have all places', async () => {
  await inParallel(3, () => stall());
  expect((await send(SMALL)).status).toBe(201);
});

it('reads one body of more than 4 MiB at a time, and others beside it', async () => {
  const parts = [{ type: 'x', data: 'x'.repeat(5 * 1024 * 1024) }];
  const huge = Buffer.from(JSON.stringify({ role: 'user', parts }));
  const slow = begin({ 'content-length': huge.length });
  await new Promise((sent) => slow.write(huge.subarray(0, 300 * 1024), sent));
  const waiting = Promise.all([send(huge), sendWithLength(huge)]);
  const others = [await send(LARGE), await sendWithLength(LARGE)];
  slow.end(huge.subarray(300 * 1024));
  const all = [...others, await responseTo(slow), ...(await waiting)];
  expect(all.map(({ status }) => status)).toEqual(Array(5).fill(201));
  const seqs = all.map(
    ({ body }) => (body as { message: Message }).message.seq,
  );
  expect(Math.max(...seqs.slice(0, 2))).toBeLessThan(
    Math.min(...seqs.slice(2)),
  );
});

it('gives places back when slow clients go away', async () => {
  const slow = await inParallel(3, () =>
    stall({ 'content-length': 512 * 1024 }),
  );
  let isServed = false;
  const waiting = send(LARGE).then((response) => {
    isServed = true;
    return response;
  });
  expect((await send(SMALL)).status).toBe(201);
  expect(isServed).toBe(false);
  for (const one of slow) one.destroy();
  expect((await waiting).status).toBe(201);
});

describe('slow clients', () => {
  let delays: (number | undefined)[];
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    delays = [];
    const { setTimeout: fake } = globalThis;
    // A spy would bring the fake back with the next restoreAllMocks().
    vi.stubGlobal('setTimeout', (run: () => void, delay?: number) => {
      delays.push(delay);
      return fake(run, delay);
    });
  });
  afterEach(() => {
    vi.unstubAllGlobals();
    vi.useRealTimers();
  });

  /** Waits until this many timers were set. */
  async function timersSet(count: number, milliseconds: number) {
    const isSet = (delay?: number) => delay === milliseconds;
    while (delays.filter(isSet).length < count) await sleep(1);
  }

  /** A large body has its place: its queue and its arrival have a timer each. */
  function placesTaken(count: number) {
    return timersSet(2 * count, 20_000);
  }

  /** Lets time pass until a response arrives. */
  async function later<T>(response: Promise<T>, milliseconds: number) {
    let isDone = false;
    const done = response.finally(() => (isDone = true));
    expect(isDone).toBe(false);
    for (let passed = 0; passed < milliseconds; passed += 1_000) {
      await vi.advanceTimersByTimeAsync(1_000);
      await sleep(5);
    }
    return done;
  }

  it('get 408 after 20 s', async () => {
    const slow = await stall();
    await placesTaken(1);
    const response = await later(responseTo(slow), 21_000);
    expect(response).toMatchObject({
      status: 408,
      body: { code: 'request_timeout' },
    });
  });

  it('make others wait for 10 s at most', async () => {
    const slow = await inParallel(3, () => stall());
    await placesTaken(3);
    const waiting = send(LARGE);
    await timersSet(4, 10_000);
    const response = await later(waiting, 11_000);
    expect(response).toMatchObject({
      status: 503,
      headers: { 'retry-after': '1' },
      body: {
        code: 'store_overloaded',
        error:
          'Too many large bodies are waiting for their turn: this one was not begun',
      },
    });
    for (const one of slow) one.destroy();
    expect((await send(LARGE)).status).toBe(201);
  });
});

describe('places are given back', () => {
  const start = (method: string, path: string, headers: string[] = []) =>
    [
      `${method} ${path} HTTP/1.1`,
      'Host: localhost',
      `Authorization: ${authorization}`,
      'Content-Type: application/json',
      ...headers,
      '\r\n',
    ].join('\r\n');

  beforeEach(async () => {
    for (let times = 0; times < 4; times++) {
      await sendWithLength(bodyOf(900 * 1024));
    }
  });

  /** A connection with responses that its client does not read, and then this request. */
  function pipeline(last: (string | Buffer)[]) {
    const socket = connect(Number(url.port), url.hostname).pause();
    socket.on('error', () => undefined);
    const reads = Array.from({ length: 6 }, () => start('GET', url.pathname));
    for (const part of [...reads, ...last]) socket.write(part);
    return socket;
  }

  it('if a response does not wait for the body', async () => {
    for (let times = 0; times < 4; times++) {
      const refused = await api.send('POST', url.pathname, LARGE.toString(), {
        authorization,
        'content-type': 'text/plain',
      });
      expect(refused.status).toBe(415);
    }
    expect((await send(LARGE)).status).toBe(201);
  });

  it('if a connection ends with requests in its pipeline', async () => {
    for (let times = 0; times < 4; times++) {
      const headers = [`Content-Length: ${LARGE.length}`];
      const socket = pipeline([
        start('POST', url.pathname, headers),
        LARGE.subarray(0, 300 * 1024),
      ]);
      await sleep(200);
      socket.destroy();
    }
    expect((await send(LARGE)).status).toBe(201);
  });

  it('if a body was refused before the responses ahead of it were read', async () => {
    const socket = pipeline([
      start('POST', url.pathname, ['Transfer-Encoding: chunked']),
      `${TOO_LARGE.length.toString(16)}\r\n`,
      TOO_LARGE,
      '\r\n0\r\n\r\n',
    ]);
    socket.resume();
    expect((await send(LARGE)).status).toBe(201);
    expect((await send(LARGE)).status).toBe(201);
    socket.destroy();
  });
});
