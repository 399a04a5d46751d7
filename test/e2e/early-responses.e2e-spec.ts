import { generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import { Agent, type IncomingMessage, request } from 'node:http';
import { connect } from 'node:net';
import { json } from 'node:stream/consumers';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { errorBody } from '../support/api.js';
import { inParallel } from '../support/parallel.js';
import { useTestApp } from '../support/test-app.js';
import { JWT_MODE, signToken } from '../support/tokens.js';

// The server answers before the body has arrived. Its client must get the
// response, although it is still sending.

const api = useTestApp({ environment: { BODY_LIMIT: '4194304' } });
/** Larger than the limit of 4 MiB, and than what the buffers of a socket take. */
const BODY = Buffer.alloc(8 * 1024 * 1024, 'x');

const LENGTH = `content-length: ${BODY.length}`;
const PATH = '/api/chat-sessions';
interface Case {
  what: string;
  path: string;
  headers: Record<string, string>;
  error: string;
}

const EARLY: Case[] = [
  {
    what: '413',
    path: PATH,
    headers: { 'content-type': 'application/json' },
    error: 'Request body is too large',
  },
  {
    what: '415 to a media type',
    path: PATH,
    headers: { 'content-type': 'text/plain' },
    error: 'Content-Type must be application/json',
  },
  {
    what: '415 to a content encoding',
    path: PATH,
    headers: {
      'content-type': 'application/json',
      'content-encoding': 'gzip',
    },
    error: 'Compressed request bodies are not accepted',
  },
];

let url: URL;

beforeAll(async () => {
  url = new URL(await api.listen());
});

/** Few at once: client and server share this process, and a busy one reads no headers in time. */
async function fiftyTimes<T>(run: () => Promise<T>): Promise<T[]> {
  const results: T[] = [];
  while (results.length < 50) results.push(...(await inParallel(5, run)));
  return results;
}

/** Sends a body fifty times, on one connection while the server keeps it open. */
async function fiftyKeptAlive(
  path: string,
  headers: Record<string, string>,
  bytes: Buffer,
): Promise<{ status: number; body: unknown }[]> {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  onTestFinished(() => agent.destroy());
  const responses: { status: number; body: unknown }[] = [];
  while (responses.length < 50) {
    const options = { agent, method: 'POST', headers };
    const sent = request(new URL(path, url), options).end(bytes);
    const [response] = (await once(sent, 'response')) as [IncomingMessage];
    const body = await json(response);
    responses.push({ status: response.statusCode!, body });
  }
  return responses;
}

/** Sends everything before it reads anything, as Python's urllib does. */
async function sendThenRead(bytes: (string | Buffer)[]): Promise<string> {
  const socket = connect(Number(url.port), url.hostname).pause();
  const failed = once(socket, 'error').then(([error]) => Promise.reject(error));
  const work = async () => {
    for (const part of bytes) {
      await new Promise<void>((sent) => socket.write(part, () => sent()));
    }
    let response = '';
    socket.setEncoding('utf8').on('data', (text) => (response += text));
    socket.resume();
    await once(socket, 'close');
    return response;
  };
  try {
    return await Promise.race([work(), failed]);
  } finally {
    socket.destroy();
  }
}

function headOf(headers: object, more: string[] = []): string {
  const lines = Object.entries(headers).map(
    ([name, value]) => `${name}: ${value}`,
  );
  return [
    `POST ${PATH} HTTP/1.1`,
    'host: x',
    'connection: close',
    ...lines,
    ...more,
    '\r\n',
  ].join('\r\n');
}

describe.each(EARLY)('the response $what', ({ path, headers, error }) => {
  const expected = errorBody(error);

  it('reaches fetch', async () => {
    const responses = await fiftyTimes(async () => {
      const response = await fetch(new URL(path, url), {
        method: 'POST',
        headers,
        body: BODY,
      });
      return response.json();
    });
    expect(responses).toEqual(Array(50).fill(expected));
  });

  it('reaches a client that sends everything first', async () => {
    const head = headOf(headers, [LENGTH]);
    const responses = await fiftyTimes(() => sendThenRead([head, BODY]));
    for (const response of responses) {
      expect(JSON.parse(response.split('\r\n\r\n')[1]!)).toEqual(expected);
    }
  });

  it('reaches a client that sends chunks of unknown number', async () => {
    const head = headOf(headers, ['transfer-encoding: chunked']);
    const size = `${BODY.length.toString(16)}\r\n`;
    const parts = [head, size, BODY, '\r\n0\r\n\r\n'];
    const responses = await fiftyTimes(() => sendThenRead(parts));
    for (const response of responses) {
      expect(JSON.parse(response.split('\r\n\r\n')[1]!)).toEqual(expected);
    }
  });

  it('reaches a client that waits for 100 Continue', async () => {
    const responses = await fiftyTimes(async () => {
      const sent = request(new URL(path, url), {
        method: 'POST',
        headers: {
          ...headers,
          expect: '100-continue',
          'content-length': BODY.length,
        },
      });
      sent.flushHeaders();
      sent.once('continue', () => sent.end(BODY));
      const [response] = await once(sent, 'response');
      return json(response);
    });
    expect(responses).toEqual(Array(50).fill(expected));
  });
});

it('a response 431 reaches a client that sends everything first', async () => {
  const head = headOf({}, [`x-long: ${'x'.repeat(17_000)}`, LENGTH]);
  const responses = await fiftyTimes(() => sendThenRead([head, BODY]));
  for (const response of responses) expect(response).toContain('HTTP/1.1 431');
});

it.each([
  ['404', 'GET /api/nothing'],
  ['200', 'GET /health/live'],
])(
  'a response %s to %s reaches a client that sends a body first',
  async (status, start) => {
    const head = headOf({}, [LENGTH]).replace(`POST ${PATH}`, start);
    const responses = await fiftyTimes(() => sendThenRead([head, BODY]));
    expect(responses.map(statusesIn)).toEqual(Array(50).fill([status]));
  },
);

it('a response 417 reaches a client that sends everything first', async () => {
  const head = headOf({ ...EARLY[0]!.headers, expect: 'the best' }, [LENGTH]);
  const responses = await fiftyTimes(() => sendThenRead([head, BODY]));
  expect(responses.map(statusesIn)).toEqual(Array(50).fill(['417']));
});

function statusesIn(response: string): string[] {
  return Array.from(
    response.matchAll(/HTTP\/1\.1 (\d+)/g),
    ([, status]) => status!,
  );
}

/** A request that ends the connection. */
const LAST =
  'GET /health/live HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n';
const opened = (head: string) => head.replace('connection: close\r\n', '');

it('a request that was sent after a body that is too large is not done', async () => {
  const { headers } = EARLY[0]!;
  const head = headOf(headers, [LENGTH]);
  const second = headOf({ ...headers, 'content-length': 2 });
  const responses = await fiftyTimes(() =>
    sendThenRead([head, BODY, `${second}{}`]),
  );
  expect(responses.map(statusesIn)).toEqual(Array(50).fill(['413']));
  const { body } = await api.send('GET', PATH);
  expect(body).toMatchObject({ chat_sessions: [] });
});

it('a pipelined request whose body is too large gets its response after those before it', async () => {
  const first = opened(LAST);
  const head = headOf(EARLY[0]!.headers, [LENGTH]);
  const responses = await fiftyTimes(() =>
    sendThenRead([`${first}${first}${head}`, BODY]),
  );
  expect(responses.map(statusesIn)).toEqual(
    Array(50).fill(['200', '200', '413']),
  );
});

it.each(EARLY.slice(0, 2))(
  'after $what a request is not done, however large it is',
  async ({ headers }) => {
    const head = opened(headOf(headers, [LENGTH]));
    const responses = await fiftyTimes(() =>
      sendThenRead([head, BODY, head, BODY, LAST]),
    );
    expect(responses.map(statusesIn)).toEqual(
      Array(50).fill([expect.stringMatching(/^41[35]$/)]),
    );
  },
);

it('a connection stays open after bodies that were not read', async () => {
  const head = opened(headOf(EARLY[2]!.headers, [LENGTH]));
  const responses = await fiftyTimes(() =>
    sendThenRead([head, BODY, head, BODY, LAST]),
  );
  expect(responses.map(statusesIn)).toEqual(
    Array(50).fill(['415', '415', '200']),
  );
});

it.each(EARLY)(
  'a client that keeps its connections gets $what each time',
  async ({ path, headers, error }) => {
    const responses = await fiftyKeptAlive(path, headers, BODY);
    expect(responses.map(({ body }) => body)).toEqual(
      Array(50).fill(errorBody(error)),
    );
  },
);

describe('401 and 429', () => {
  const limited = useTestApp({
    environment: { ...JWT_MODE, RATE_LIMIT_WRITES: '25' },
  });
  const body = BODY.subarray(0, 3 * 1024 * 1024);
  const headers = {
    'content-type': 'application/json',
    'content-length': String(body.length),
  };

  it('reach a client that keeps its connection or pipelines, each time', async () => {
    url = new URL(await limited.listen());
    const kept = await fiftyKeptAlive(PATH, headers, body);
    expect(kept.map(({ status }) => status)).toEqual([
      ...Array<number>(25).fill(401),
      ...Array<number>(25).fill(429),
    ]);

    const head = opened(headOf(headers));
    const responses = await fiftyTimes(() =>
      sendThenRead([head, body, head, body, LAST]),
    );
    expect(responses.map(statusesIn)).toEqual(
      Array(50).fill(['429', '429', '200']),
    );
  });
});

describe('503 while nobody can be identified', () => {
  const issuerIsDown = useTestApp({
    environment: {
      ...JWT_MODE,
      JWT_SECRET: '',
      JWT_JWKS_URL: 'http://127.0.0.1:1/',
    },
  });

  it('reaches a client that sends everything first or keeps its connection', async () => {
    url = new URL(await issuerIsDown.listen());
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const token = await signToken({ sub: 'a' }, privateKey, {
      alg: 'RS256',
      kid: '1',
    });
    const headers = {
      'content-type': 'application/json',
      authorization: `Bearer ${token}`,
    };
    const head = headOf(headers, [LENGTH]);
    const responses = await fiftyTimes(() => sendThenRead([head, BODY]));
    expect(responses.map(statusesIn)).toEqual(Array(50).fill(['503']));

    const kept = await fiftyKeptAlive(
      PATH,
      headers,
      BODY.subarray(0, 3 * 1024 * 1024),
    );
    expect(kept.map(({ status }) => status)).toEqual(Array(50).fill(503));
  });
});
