import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { PAGE } from '../../src/chat-sessions/limits.js';
import { OwnerGuard } from '../../src/chat-sessions/routes/owner.guard.js';
import { ChatSessionsService } from '../../src/chat-sessions/sessions/chat-sessions.service.js';
import { StoreUnavailableError } from '../../src/database/errors.js';
import { Draining } from '../../src/http/draining.js';
import {
  append,
  errorBody,
  type Session,
  userMessages,
} from '../support/api.js';
import { useTestApp } from '../support/test-app.js';
import { as, JWT_MODE, signToken } from '../support/tokens.js';

const LIMIT = 60;
/** A query that asks for the default. */
const DEFAULT_QUERY = `?messages=${PAGE.sessionMessages.default}`;

describe.each(['exclusive', 'validated', 'off'])('with CACHE=%s', (cache) => {
  const api = useTestApp({
    environment: {
      ...JWT_MODE,
      CACHE: cache,
      CORS_ORIGINS: 'https://chat.example.com',
      RATE_LIMIT: String(LIMIT),
      RATE_LIMIT_WRITES: '0',
    },
  });
  let origin: string;

  beforeAll(async () => {
    origin = await api.listen();
  });

  afterEach(() => {
    vi.restoreAllMocks();
  });

  async function readable(owner: string) {
    const headers = await as(owner);
    const created = await api.send<{ chat_session: Session }>(
      'POST',
      '/api/chat-sessions',
      { messages: userMessages(3) },
      headers,
    );
    const { id } = created.body.chat_session;
    const path = `/api/chat-sessions/${id}`;
    const get = (more: Record<string, string> = {}, query = '') =>
      fetch(origin + path + query, { headers: { ...headers, ...more } });
    return { id, path, headers, get };
  }

  /** Counts the calls of the route. */
  function watchRoute() {
    return vi.spyOn(OwnerGuard.prototype, 'canActivate');
  }

  function lasting({ headers }: Response): Record<string, string> {
    const all = Object.fromEntries(headers);
    for (const name of ['date', 'x-request-id', 'x-ratelimit-remaining']) {
      expect(all[name]).toBeDefined();
      delete all[name];
    }
    // Seconds, which may differ between two reads.
    expect(all['x-ratelimit-reset']).toMatch(/^\d+$/);
    delete all['x-ratelimit-reset'];
    return all;
  }

  type Get = Awaited<ReturnType<typeof readable>>['get'];

  /** Reads with a query, which goes to the route, and without. Both responses must be equal. */
  async function expectAsWithRoute(
    get: Get,
    status: number,
    headers: Record<string, string> = {},
  ): Promise<void> {
    const withRoute = watchRoute();
    const first = await get(headers, DEFAULT_QUERY);
    expect(withRoute).toHaveBeenCalledOnce();
    const second = await get(headers);
    expect(withRoute).toHaveBeenCalledOnce();
    expect(second.status).toBe(status);
    expect(lasting(second)).toEqual(lasting(first));
    expect(await second.text()).toBe(await first.text());
  }

  describe('a plain read', () => {
    it('is answered without the route, with an equal response', async () => {
      const { get } = await readable('alice');
      await get(); // fills
      await expectAsWithRoute(get, 200);
    });

    it('is answered 304 without the route if the client’s copy is current', async () => {
      const { get } = await readable('laura');
      const etag = (await get()).headers.get('etag')!;
      const conditions = [etag, `W/${etag}`, `"other", ${etag}`, '*'];
      for (const condition of conditions) {
        await expectAsWithRoute(get, 304, { 'if-none-match': condition });
        vi.restoreAllMocks();
      }
    });

    it.each(['"other"', '', 'malformed'])(
      'is answered with the session if If-None-Match is %j',
      async (condition) => {
        const { get } = await readable('mona');
        await get();
        await expectAsWithRoute(get, 200, { 'if-none-match': condition });
      },
    );

    it('keeps a valid X-Request-Id', async () => {
      const { get } = await readable('bob');
      await get();
      const route = watchRoute();
      const idOf = async (id: string) =>
        (await get({ 'x-request-id': id })).headers.get('x-request-id');
      expect(await idOf('mine-1')).toBe('mine-1');
      expect(await idOf('not valid')).toMatch(/^[\da-f-]{36}$/);
      expect(route).not.toHaveBeenCalled();
    });

    it('counts once, and is refused over the limit', async () => {
      const { get } = await readable('carol');
      for (let left = LIMIT - 1; left >= 0; left--) {
        const { status, headers } = await get();
        expect(status).toBe(200);
        expect(headers.get('x-ratelimit-remaining')).toBe(String(left));
      }
      const refused = await get();
      expect(refused.status).toBe(429);
      expect(refused.headers.get('retry-after')).toMatch(/^\d+$/);
      expect(await refused.json()).toEqual(errorBody('Too many requests'));
    });

    it('answers the new session after a write', async () => {
      const { id, get, headers } = await readable('dave');
      await get();
      for (let count = 4; count < 24; count++) {
        const message = { role: 'user', content: 'More' };
        await append(api, id, message, headers);
        for (const response of [await get(), await get()]) {
          const { chat_session } = (await response.json()) as {
            chat_session: Session;
          };
          expect(chat_session.message_count).toBe(count);
        }
      }
      await api.send('DELETE', `/api/chat-sessions/${id}`, undefined, headers);
      expect((await get()).status).toBe(404);
    });

    it('is answered 404 without the route, with an equal response', async () => {
      const { id, get, headers } = await readable('ivan');
      await get();
      await api.send('DELETE', `/api/chat-sessions/${id}`, undefined, headers);
      await expectAsWithRoute(get, 404);
    });

    it('is answered 503 after one try, and counts once', async () => {
      const { get } = await readable('judy');
      const read = vi
        .spyOn(ChatSessionsService.prototype, 'get')
        .mockRejectedValue(new StoreUnavailableError('store_timeout'));
      const route = watchRoute();
      const { status, headers } = await get();
      expect(status).toBe(503);
      expect(headers.get('retry-after')).toBe('1');
      expect(headers.get('x-ratelimit-remaining')).toBe(String(LIMIT - 1));
      expect(read).toHaveBeenCalledOnce();
      expect(route).not.toHaveBeenCalled();
    });

    it('is refused if the id is no UUID', async () => {
      const { get, headers } = await readable('kim');
      await get();
      for (const id of ['-'.repeat(36), 'f'.repeat(36)]) {
        const path = `${origin}/api/chat-sessions/${id}`;
        expect((await fetch(path, { headers })).status).toBe(400);
      }
    });

    it('needs the token of its owner', async () => {
      const { path, get } = await readable('erin');
      await get();
      const others = [
        [{}, 401],
        [{ authorization: 'Bearer a.b.c' }, 401],
        [await as('mallory'), 404],
        [
          {
            authorization: `Bearer ${await signToken({ sub: 'erin', exp: 1 })}`,
          },
          401,
        ],
      ] as const;
      for (const [headers, status] of others) {
        expect((await fetch(origin + path, { headers })).status).toBe(status);
      }
    });

    it.each([
      [
        'from another origin',
        { origin: 'https://chat.example.com' },
        '',
        200,
        1,
      ],
      ['with a query', {}, '?messages=1', 200, 1],
      ['with a wrong query', {}, '?messages=x', 400, 1],
    ] satisfies [string, Record<string, string>, string, number, number][])(
      'goes to the route: %s',
      async (_, headers, query, expected, calls) => {
        const { get } = await readable('frank');
        await get();
        const route = watchRoute();
        const { status } = await get(headers, query);
        expect(status).toBe(expected);
        expect(route).toHaveBeenCalledTimes(calls);
      },
    );
  });

  it('says `Connection: close` once the service shuts down', async () => {
    const { get } = await readable('grace');
    await get();
    api.app.get(Draining).onModuleDestroy();
    const route = watchRoute();
    const { status, headers } = await get();
    expect(status).toBe(200);
    expect(headers.get('connection')).toBe('close');
    expect(route).not.toHaveBeenCalled();
  });
});
