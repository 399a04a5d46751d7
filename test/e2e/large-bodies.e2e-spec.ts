import { once } from 'node:events';
import { type ClientRequest, request } from 'node:http';
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
import { errorBody, type Session } from '../support/api.js';
import { inParallel } from '../support/parallel.js';
import { useTestApp } from '../support/test-app.js';
import { as, JWT_MODE } from '../support/tokens.js';

const api = useTestApp({ environment: JWT_MODE });

const LARGE = bodyOf(512 * 1024);
const SMALL = bodyOf(1024);
/** Larger than the limit of 4 MiB. */
const TOO_LARGE = bodyOf(5 * 1024 * 1024);

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
  const [response] = await once(begun, 'response');
  return { status: response.statusCode as number, body: await json(response) };
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

it.each([
  ['with a Content-Length', { 'content-length': LARGE.length }],
  ['in chunks', {}],
])(
  'does not wait for a large body %s if its caller is not identified',
  async (_, headers) => {
    authorization = 'Bearer none';
    expect(await responseTo(await stall(headers))).toEqual({
      status: 401,
      body: errorBody(
        'The Authorization header is not a Bearer token',
        'unauthorized',
      ),
    });
  },
);

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
