import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import {
  append,
  createSession,
  errorBody,
  failureBody,
  getSession,
  NOBODYS_ID,
  sendCreate,
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
  it('has a strong ETag of creation time, version and revision', async () => {
    const { id, created_at } = await createSession(api, {}, 1);
    await append(api, id, { role: 'user', content: 'More' });
    const response = await api.send('GET', `/api/chat-sessions/${id}`);
    expect(response.headers).toMatchObject({
      etag: expect.stringMatching(
        new RegExp(`^"${Date.parse(created_at)}-2-[0-9a-f]{12}"$`),
      ) as string,
      'cache-control': 'private, no-cache',
    });
  });

  it.each([
    ['the ETag', (etag: string) => etag],
    ['a list with the ETag', (etag: string) => `"other", ${etag},W/"x"`],
    ['the weak ETag', (etag: string) => `W/${etag}`],
    ['*', () => '*'],
  ])('answers 304 without a body if If-None-Match is %s', async (_, header) => {
    const { id } = await createSession(api, {}, 1);
    const etag = await etagOf(id);
    const response = await api.send(
      'GET',
      `/api/chat-sessions/${id}`,
      undefined,
      { 'if-none-match': header(etag) },
    );
    expect(response.status).toBe(304);
    expect(response.text).toBe('');
    expect(response.headers).toMatchObject({
      etag,
      'cache-control': 'private, no-cache',
    });
    expect(response.headers).not.toHaveProperty('content-type');
  });

  it.each(['"1-1"', 'W/"1-1"', '"other", "another"', 'malformed', ''])(
    'answers the session if If-None-Match is %s',
    async (header) => {
      const { id } = await createSession(api);
      const response = await api.send(
        'GET',
        `/api/chat-sessions/${id}`,
        undefined,
        { 'if-none-match': header },
      );
      expect(response.status).toBe(200);
      expect(response.body).toMatchObject({ chat_session: { id } });
    },
  );

  it('answers 404 if the session does not exist and If-None-Match is *', async () => {
    const response = await api.send(
      'GET',
      `/api/chat-sessions/${NOBODYS_ID}`,
      undefined,
      { 'if-none-match': '*' },
    );
    expect(response.status).toBe(404);
    expect(response.text).toBe('{"error":"Chat session not found"}');
  });
});

const MESSAGE = { role: 'user', content: 'Hello' };

/** A session with one message, whose id is `m`. */
async function conversation(): Promise<Session> {
  const messages = [{ id: 'm', ...MESSAGE }];
  return (await sendCreate(api, { messages })).body.chat_session;
}

/** The resource that is missing if the session of a path does not exist. */
function missingPart(path: string): string {
  if (path === '/fork') return 'Chat session or message';
  return /\/m$|\/leaf$/.test(path) ? 'Message' : 'Chat session';
}

describe.each([
  ['PATCH', '', { pinned: true }, 200],
  ['PUT', '/config', { config: { a: 1 } }, 200],
  ['POST', '/clear', undefined, 200],
  ['POST', '/messages', MESSAGE, 201],
  ['POST', '/messages', { messages: [MESSAGE, MESSAGE] }, 201],
  ['PATCH', '/messages/m', { content: 'Changed' }, 200],
  ['DELETE', '/messages/m', undefined, 204],
  ['POST', '/messages/replace', { after_id: 'm', messages: [MESSAGE] }, 201],
  ['PUT', '/leaf', { message_id: 'm' }, 200],
  ['POST', '/fork', { message_id: 'm' }, 201],
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
      ['a list with the ETag', (etag: string) => `"other" ,${etag}`],
      ['*', () => '*'],
    ])('succeeds with %s', async (_, header) => {
      const { id } = await conversation();
      const response = await write(id, header(await etagOf(id)));
      expect(response.status).toBe(status);
    });

    it('answers 412 to an ETag from before a change', async () => {
      const { id } = await conversation();
      const old = await etagOf(id);
      await append(api, id, MESSAGE);
      const now = await getSession(api, id);
      const response = await write(id, old);
      expect(response.status).toBe(412);
      expect(response.body).toEqual(
        errorBody('Chat session has changed since the version of If-Match'),
      );
      expect(await getSession(api, id)).toEqual(now);
    });

    it('accepts the weak form of the current ETag, which compressing proxies make', async () => {
      const { id } = await conversation();
      const response = await write(id, `W/${await etagOf(id)}`);
      expect(response.status).toBe(status);
    });

    it('answers 400 to an empty message before it checks If-Match', async () => {
      const { id } = await conversation();
      const old = await etagOf(id);
      await append(api, id, MESSAGE);
      const empty = { role: 'user', content: ' ' };
      const response = await append(api, id, empty, { 'If-Match': old });
      expect(response.body).toEqual(
        errorBody('Message cannot be empty', 'message_empty'),
      );
    });

    it('answers 412 to the weak form of an ETag from before a change', async () => {
      const { id } = await conversation();
      const old = await etagOf(id);
      await append(api, id, MESSAGE);
      expect((await write(id, `W/${old}`)).status).toBe(412);
    });

    it.each(['1-1', '"1-1', '', '"a" "b"', '"a",', '*, "a"', 'w/"a"'])(
      'answers 400 to the malformed %s',
      async (header) => {
        const { id } = await conversation();
        const response = await write(id, header);
        expect(response.status).toBe(400);
        expect(response.body).toEqual(errorBody('If-Match is malformed'));
        expect((await getSession(api, id)).version).toBe(1);
      },
    );

    it('answers 404 if the session does not exist', async () => {
      const response = await write(NOBODYS_ID, '*');
      expect(response.status).toBe(404);
      expect(response.body).toEqual(
        failureBody(
          `${method} /api/chat-sessions/:session_id${path}`,
          `${missingPart(path)} not found`,
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
    ['PATCH', '/messages/m', { content: 'Changed' }],
    ['POST', '/messages/replace', { after_id: 'm', messages: [MESSAGE] }],
    ['POST', '/clear', undefined],
  ] as const)(
    'is the ETag of the next GET: %s /api/chat-sessions/:session_id%s',
    async (method, path, body) => {
      const { id, created_at } = await conversation();
      const response = await api.send(
        method,
        `/api/chat-sessions/${id}${path}`,
        body,
      );
      expect(response.headers.etag).toMatch(
        new RegExp(`^"${Date.parse(created_at)}-2-[0-9a-f]{12}"$`),
      );
      expect(await etagOf(id)).toBe(response.headers.etag);
    },
  );

  it.each([
    ['/api/chat-sessions', { id: randomUUID() }],
    ['/api/documents/doc/sections/sec/chat-session', undefined],
  ])('is the ETag of the next GET: POST %s', async (path, body) => {
    for (const status of [201, 200]) {
      const response = await api.send<SessionBody>('POST', path, body);
      expect(response.status).toBe(status);
      const { id, created_at } = response.body.chat_session;
      expect(response.headers.etag).toMatch(
        new RegExp(`^"${Date.parse(created_at)}-1-[0-9a-f]{12}"$`),
      );
      expect(await etagOf(id)).toBe(response.headers.etag);
    }
  });

  it('changes with every write', async () => {
    const { id } = await createSession(api);
    const etags = new Set<string | undefined>([await etagOf(id)]);
    for (const content of ['a', 'b', 'c']) {
      const { headers } = await append(api, id, { role: 'user', content });
      etags.add(headers.etag);
    }
    expect(etags.size).toBe(4);
  });
});

describe('a repeated write with the If-Match of the first', () => {
  it('answers 200: a message', async () => {
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

  it('answers 200: a batch', async () => {
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

  it('answers 200: a session', async () => {
    const { id } = await createSession(api, { id: randomUUID() }, 1);
    const stale = { 'if-match': '"1-1"' };
    const again = await api.send('POST', '/api/chat-sessions', { id }, stale);
    expect(again.status).toBe(200);
  });
});
