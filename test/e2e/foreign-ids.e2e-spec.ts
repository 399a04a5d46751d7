import { beforeAll, describe, expect, it } from 'vitest';
import { type ApiRequest, apiRequests } from '../support/api-requests.js';
import {
  append,
  createSession,
  errorBody,
  failureBody,
  getPage,
  getSession,
  listSessions,
  type MessagePage,
  NOBODYS_ID,
} from '../support/api.js';
import { asOwner } from '../support/owners.js';
import {
  type Method,
  type TestApp,
  type TestResponse,
  useTestApp,
} from '../support/test-app.js';
import { JWT_MODE } from '../support/tokens.js';

const api = useTestApp({ environment: JWT_MODE });
const alice = asOwner(api, 'alice');
const bob = asOwner(api, 'bob');

const ALICES_ID = '01938f5e-0000-7000-8000-00000000000a';
const BOBS_ID = '01938f5e-0000-7000-8000-00000000000b';
const SECTION = { document_id: 'doc-42', section_id: 'sec-7' };

beforeAll(async () => {
  await createSession(alice, {
    id: ALICES_ID,
    ...SECTION,
    title: "Alice's",
    config: { secret: "Alice's" },
  });
  await append(alice, ALICES_ID, {
    messages: [
      { id: 'msg_01', role: 'user', content: "Alice's first" },
      { id: 'msg_02', role: 'user', content: "Alice's second" },
    ],
  });
  await createSession(bob, { id: BOBS_ID }, 1);
});

/** Everything that alice can see. */
async function alicesView() {
  return {
    session: await getSession(alice, ALICES_ID),
    page: await getPage(alice, ALICES_ID),
    list: await listSessions(alice),
  };
}

/** A response without the headers that always differ. */
function comparable({ status, headers, text }: TestResponse) {
  const { 'x-request-id': _id, date: _date, ...others } = headers;
  return { status, headers: others, text };
}

/** The requests to routes with a session id. */
function requestsFor(sessionId: string, messageId: string) {
  return apiRequests(sessionId, messageId).filter(({ path }) =>
    path.includes(sessionId),
  );
}

function missingPart(path: string): string {
  if (path.endsWith('/fork')) return 'Chat session or message';
  if (path.includes('/interrupts/')) return 'Run or interrupt';
  if (path.includes('/runs/')) return 'Run';
  return /\/msg_01|\/leaf/.test(path) ? 'Message' : 'Chat session';
}

describe('a foreign id gets the 404 of a missing id', () => {
  const missing = requestsFor(NOBODYS_ID, 'msg_01');
  const requests = requestsFor(ALICES_ID, 'msg_01').map(
    (request, index) => [request.route, request, missing[index]!] as const,
  );

  it('on every route with a session id', () => {
    const routes = api.routes.filter(
      (route) => route.includes(':session_id') && !route.startsWith('HEAD'),
    );
    expect(requests.map(([route]) => route).toSorted()).toEqual(
      routes.toSorted(),
    );
  });

  describe.each(requests)('on %s', (_, foreign, other) => {
    it.each<[string, (etag: string) => Record<string, string>]>([
      ['plain', () => ({})],
      ['with If-Match: *', () => ({ 'if-match': '*' })],
      ['with the right If-Match', (etag) => ({ 'if-match': etag })],
      ['with a stale If-Match', () => ({ 'if-match': '"1-1"' })],
      ['with the right If-None-Match', (etag) => ({ 'if-none-match': etag })],
    ])('%s', async (_how, headersWith) => {
      const before = await alicesView();
      const own = await alice.send('GET', `/api/chat-sessions/${ALICES_ID}`);
      const headers = headersWith(own.headers.etag!);
      const ask = ({ method, path, body }: ApiRequest) =>
        bob.send(method, path, body, headers);
      const response = await ask(foreign);
      expect(response.status).toBe(404);
      expect(response.body).toEqual(
        failureBody(foreign.route, `${missingPart(foreign.path)} not found`),
      );
      expect(comparable(response)).toEqual(comparable(await ask(other)));
      expect(await alicesView()).toEqual(before);
    });
  });

  it("for a message id, in the caller's own session", async () => {
    const messages = `/api/chat-sessions/${BOBS_ID}/messages`;
    const response = await bob.send('GET', `${messages}/msg_01`);
    expect(response.status).toBe(404);
    expect(response.body).toEqual(errorBody('Message not found'));
    expect(comparable(response)).toEqual(
      comparable(await bob.send('GET', `${messages}/msg_99`)),
    );
  });
});

describe("a foreign message id in the caller's own session", () => {
  const message = { role: 'user', content: 'Hello' };
  const requests: [string, number, Method, string, object?][] = [
    ['parent_id', 400, 'POST', '/messages', { parent_id: '$id', ...message }],
    [
      'parent_id of several',
      400,
      'POST',
      '/messages',
      { parent_id: '$id', messages: [message] },
    ],
    [
      'after_id',
      400,
      'POST',
      '/messages/replace',
      { after_id: '$id', messages: [message] },
    ],
    ['leaf', 404, 'GET', '/messages?leaf=$id'],
    ['message_id of the leaf', 404, 'PUT', '/leaf', { message_id: '$id' }],
    ['message_id of a fork', 404, 'POST', '/fork', { message_id: '$id' }],
    ['a change', 404, 'PATCH', '/messages/$id', { content: 'Hello' }],
    ['a delete', 404, 'DELETE', '/messages/$id'],
  ];

  it.each(requests)(
    'gets the response of an unknown id: %s',
    async (_, status, method, path, body) => {
      const before = await Promise.all([
        alicesView(),
        getSession(bob, BOBS_ID),
      ]);
      const ask = (id: string) =>
        bob.send(
          method,
          `/api/chat-sessions/${BOBS_ID}${path}`.replace('$id', id),
          body && JSON.stringify(body).replace('$id', id),
        );
      const response = await ask('msg_01');
      expect(response.status).toBe(status);
      expect(comparable(response)).toEqual(comparable(await ask('msg_99')));
      expect(
        await Promise.all([alicesView(), getSession(bob, BOBS_ID)]),
      ).toEqual(before);
    },
  );
});

describe('a create with a foreign id gets a 409 that reveals nothing', () => {
  it.each([
    ['nothing else', {}],
    ['in upper case', { id: ALICES_ID.toUpperCase() }],
    ['the same section', SECTION],
    ['messages', { messages: [{ role: 'user', content: 'x' }] }],
    [
      'a message with the same id',
      { messages: [{ id: 'msg_01', role: 'user', content: "Alice's first" }] },
    ],
  ])('%s', async (_, fields) => {
    const before = [await alicesView(), await listSessions(bob)];
    const body = { id: ALICES_ID, ...fields };
    const response = await bob.send('POST', '/api/chat-sessions', body);
    expect(response.status).toBe(409);
    expect(response.body).toEqual(
      errorBody('Chat session id is already in use'),
    );
    expect(response.headers).not.toHaveProperty('etag');
    expect([await alicesView(), await listSessions(bob)]).toEqual(before);
  });
});

describe('routes without a session id', () => {
  it.each(['document_id=doc-42', 'document_id=doc-42&section_id=sec-7'])(
    'list no sessions of others: ?%s',
    async (query) => {
      expect((await listSessions(bob, query)).chat_sessions).toEqual([]);
    },
  );

  it("take a cursor of another's list as a position in the caller's own", async () => {
    const stranger = asOwner(api, 'stranger');
    await createSession(stranger);
    await createSession(stranger);
    const { next_cursor } = await listSessions(stranger, 'limit=1');
    const page = await listSessions(bob, `cursor=${next_cursor}`);
    expect(page.chat_sessions.map(({ id }) => id)).toEqual([BOBS_ID]);
  });

  it('give each owner an own session of a section', async () => {
    const carol = asOwner(api, 'carol');
    const path = '/api/documents/doc-42/sections/sec-7/chat-session';
    const response = await carol.send('POST', path);
    expect(response.status).toBe(201);
    expect(response.text).not.toContain(ALICES_ID);
    expect((await alice.send('POST', path)).text).toContain(ALICES_ID);
  });
});

describe('owners that some collations take for one', () => {
  const shared = useTestApp({ environment: JWT_MODE });
  const OWNERS = [
    ['alice', 'alice'],
    ['Alice', 'Alice'],
    ['álice', '\u00e1lice'],
    ['álice of two characters', 'a\u0301lice'],
    ['alice with a wide letter', '\uff41lice'],
    ['alice and a space of no width', 'alice\u200b'],
    ["' OR 1=1--", "' OR 1=1--"],
    ['%', '%'],
    ['_____', '_____'],
    ['191 letters', 'a'.repeat(191)],
    ['191 emoji', '😀'.repeat(191)],
  ] as const;
  const idOf = new Map<string, string>();
  /** Every owner's session has a message with this id. */
  const MESSAGE_ID = 'msg_01';

  beforeAll(async () => {
    for (const [, owner] of OWNERS) {
      const self = asOwner(shared, owner);
      const { id } = await createSession(self, SECTION);
      await append(self, id, { id: MESSAGE_ID, role: 'user', content: owner });
      idOf.set(owner, id);
    }
  });

  async function historyOf(owner: TestApp): Promise<MessagePage> {
    return (await owner.send<MessagePage>('GET', '/api/history')).body;
  }

  it.each(OWNERS)('are different: %s', async (_, owner) => {
    const self = asOwner(shared, owner);
    for (const [other, id] of idOf) {
      const path = `/api/chat-sessions/${id}`;
      const { status } = await self.send('GET', path);
      expect(status, other).toBe(other === owner ? 200 : 404);
    }
    const { chat_sessions } = await listSessions(self);
    expect(chat_sessions.map(({ id }) => id)).toEqual([idOf.get(owner)]);
    const { messages } = await historyOf(self);
    expect(messages.map(({ content }) => content)).toEqual([owner]);
  });

  it.each(OWNERS)('may use the same message id: %s', async (_, owner) => {
    const self = asOwner(shared, owner);
    const id = idOf.get(owner)!;
    const path = `/api/chat-sessions/${id}/messages/${MESSAGE_ID}`;
    const { body } = await self.send('GET', path);
    expect(body).toMatchObject({ message: { content: owner } });
    const other = { id: MESSAGE_ID, role: 'user', content: `not ${owner}` };
    expect((await append(self, id, other)).status).toBe(409);
    expect((await getPage(self, id)).messages).toHaveLength(1);
  });

  // A store turns each lone surrogate into U+FFFD, so that all such owners would be one.
  it.each([
    'alice ',
    ' alice',
    'alice\t',
    'alice\u00a0',
    'alice\0',
    'alice\ud83d',
  ])('are refused: %j', async (owner) => {
    const self = asOwner(shared, owner);
    const session = `/api/chat-sessions/${idOf.get('alice')}`;
    for (const [method, path] of [
      ['GET', session],
      ['GET', '/api/chat-sessions'],
      ['GET', '/api/history'],
      ['POST', '/api/chat-sessions'],
      ['DELETE', session],
    ] as const) {
      const response = await self.send(method, path);
      expect(response.status).toBe(401);
      expect(response.body).toEqual(errorBody('The claim sub is not an id'));
      expect(response.headers['www-authenticate']).toBe(
        'Bearer error="invalid_token"',
      );
    }
  });
});
