import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import {
  append,
  createSession,
  errorBody,
  failureBody,
  getSession,
  NOBODYS_ID,
  type Session,
} from '../support/api.js';
import { useTestApp } from '../support/test-app.js';

const api = useTestApp();

interface SessionBody {
  chat_session: Session;
}

async function etagOf(id: string) {
  const { headers } = await api.send('GET', `/api/chat-sessions/${id}`);
  return headers.etag!;
}

describe('GET /api/chat-sessions/:session_id', () => {
  it('carries a strong ETag of creation and version', async () => {
    const { id, created_at } = await createSession(api, {}, 1);
    await append(api, id, { role: 'user', content: 'More' });
    const answer = await api.send('GET', `/api/chat-sessions/${id}`);
    expect(answer.headers).toMatchObject({
      etag: `"${Date.parse(created_at)}-2"`,
      'cache-control': 'private, no-cache',
    });
  });

  it.each([
    ['the ETag', (etag: string) => etag],
    ['it in a list', (etag: string) => `"other", ${etag},W/"x"`],
    ['it as a weak one', (etag: string) => `W/${etag}`],
    ['*', () => '*'],
  ])('answers 304 without a body to %s', async (_, header) => {
    const { id } = await createSession(api, {}, 1);
    const etag = await etagOf(id);
    const answer = await api.send(
      'GET',
      `/api/chat-sessions/${id}`,
      undefined,
      { 'if-none-match': header(etag) },
    );
    expect(answer.status).toBe(304);
    expect(answer.text).toBe('');
    expect(answer.headers).toMatchObject({
      etag,
      'cache-control': 'private, no-cache',
    });
    expect(answer.headers).not.toHaveProperty('content-type');
  });

  it.each(['"1-1"', 'W/"1-1"', '"other", "another"', 'malformed', ''])(
    'answers the session to %s',
    async (header) => {
      const { id } = await createSession(api);
      const answer = await api.send(
        'GET',
        `/api/chat-sessions/${id}`,
        undefined,
        { 'if-none-match': header },
      );
      expect(answer.status).toBe(200);
      expect(answer.body).toMatchObject({ chat_session: { id } });
    },
  );

  it('answers 404 for a session that is not there, whatever the client has', async () => {
    const answer = await api.send(
      'GET',
      `/api/chat-sessions/${NOBODYS_ID}`,
      undefined,
      { 'if-none-match': '*' },
    );
    expect(answer.status).toBe(404);
    expect(answer.text).toBe('{"error":"Chat session not found"}');
  });
});

const MESSAGE = { role: 'user', content: 'Hello' };

describe.each([
  ['PATCH', '', { pinned: true }, 200],
  ['PUT', '/config', { config: { a: 1 } }, 200],
  ['POST', '/clear', undefined, 200],
  ['POST', '/messages', MESSAGE, 201],
  ['POST', '/messages', { messages: [MESSAGE, MESSAGE] }, 201],
  ['DELETE', '', undefined, 204],
] as const)(
  '%s /api/chat-sessions/:session_id%s with If-Match',
  (method, path, body, status) => {
    function write(id: string, ifMatch: string) {
      return api.send(method, `/api/chat-sessions/${id}${path}`, body, {
        'if-match': ifMatch,
      });
    }

    it.each([
      ['the current ETag', (etag: string) => etag],
      ['it in a list', (etag: string) => `"other" ,${etag}`],
      ['*', () => '*'],
    ])('is done with %s', async (_, header) => {
      const { id } = await createSession(api, {}, 1);
      const answer = await write(id, header(await etagOf(id)));
      expect(answer.status).toBe(status);
    });

    it('is refused with the ETag from before a change', async () => {
      const { id } = await createSession(api, {}, 1);
      const old = await etagOf(id);
      await append(api, id, MESSAGE);
      const now = await getSession(api, id);
      const answer = await write(id, old);
      expect(answer.status).toBe(412);
      expect(answer.body).toEqual(
        errorBody('Chat session has changed since the version of If-Match'),
      );
      expect(await getSession(api, id)).toEqual(now);
    });

    it('is refused with a weak ETag', async () => {
      const { id } = await createSession(api, {}, 1);
      const answer = await write(id, `W/${await etagOf(id)}`);
      expect(answer.status).toBe(412);
      expect((await getSession(api, id)).version).toBe(1);
    });

    it.each(['1-1', '"1-1', '', '"a" "b"', '"a",', '*, "a"', 'w/"a"'])(
      'is refused with the malformed %s',
      async (header) => {
        const { id } = await createSession(api, {}, 1);
        const answer = await write(id, header);
        expect(answer.status).toBe(400);
        expect(answer.body).toEqual(errorBody('If-Match is malformed'));
        expect((await getSession(api, id)).version).toBe(1);
      },
    );

    it('answers 404 where the session is not there', async () => {
      const answer = await write(NOBODYS_ID, '*');
      expect(answer.status).toBe(404);
      expect(answer.body).toEqual(
        failureBody(
          `${method} /api/chat-sessions/:session_id${path}`,
          'Chat session not found',
        ),
      );
    });
  },
);

describe('the ETag of a write', () => {
  it.each([
    ['PATCH', '', { pinned: true }],
    ['PUT', '/config', { config: { a: 1 } }],
    ['POST', '/messages', MESSAGE],
    ['POST', '/messages', { messages: [MESSAGE, MESSAGE] }],
    ['POST', '/clear', undefined],
  ] as const)(
    'is that of the next GET: %s /api/chat-sessions/:session_id%s',
    async (method, path, body) => {
      const { id, created_at } = await createSession(api);
      const answer = await api.send(
        method,
        `/api/chat-sessions/${id}${path}`,
        body,
      );
      expect(answer.headers.etag).toBe(`"${Date.parse(created_at)}-2"`);
      expect(await etagOf(id)).toBe(answer.headers.etag);
    },
  );

  it.each([
    ['/api/chat-sessions', { id: randomUUID() }],
    ['/api/documents/doc/sections/sec/chat-session', undefined],
  ])('is that of the next GET: POST %s', async (path, body) => {
    for (const status of [201, 200]) {
      const answer = await api.send<SessionBody>('POST', path, body);
      expect(answer.status).toBe(status);
      const { id, created_at } = answer.body.chat_session;
      expect(answer.headers.etag).toBe(`"${Date.parse(created_at)}-1"`);
      expect(await etagOf(id)).toBe(answer.headers.etag);
    }
  });

  it('is another after every change', async () => {
    const { id } = await createSession(api);
    const etags = new Set<string | undefined>([await etagOf(id)]);
    for (const content of ['a', 'b', 'c']) {
      const { headers } = await append(api, id, { role: 'user', content });
      etags.add(headers.etag);
    }
    expect(etags.size).toBe(4);
  });
});

describe('a write sent again with the If-Match of its first time', () => {
  it('is answered 200 for a message', async () => {
    const { id } = await createSession(api, {}, 1);
    const headers = { 'if-match': await etagOf(id) };
    const message = { id: 'mine', ...MESSAGE };
    const first = await append(api, id, message, headers);
    expect(first.status).toBe(201);
    const again = await append(api, id, message, headers);
    expect(again.status).toBe(200);
    expect(again.body).toEqual(first.body);
    expect(again.headers.etag).toBe(first.headers.etag);
  });

  it('is answered 200 for a batch', async () => {
    const { id } = await createSession(api, {}, 1);
    const headers = { 'if-match': await etagOf(id) };
    const messages = [
      { id: 'one', ...MESSAGE },
      { id: 'two', ...MESSAGE },
    ];
    const first = await append(api, id, { messages }, headers);
    expect(first.status).toBe(201);
    const again = await append(api, id, { messages }, headers);
    expect(again.status).toBe(200);
    expect(again.body).toEqual(first.body);
  });

  it('is answered 200 for a session', async () => {
    const { id } = await createSession(api, { id: randomUUID() }, 1);
    const stale = { 'if-match': '"1-1"' };
    const again = await api.send('POST', '/api/chat-sessions', { id }, stale);
    expect(again.status).toBe(200);
  });
});
