import { randomUUID } from 'node:crypto';
import {
  beforeEach,
  describe,
  expect,
  inject,
  it,
  onTestFinished,
} from 'vitest';
import { IdempotencyKey } from '../../src/chat-sessions/writes/idempotency/idempotency-key.entity.js';
import { connectMysql } from '../../src/database/mysql/connection.js';
import {
  append,
  createSession,
  errorBody,
  getPage,
  getSession,
  type Message,
  type Session,
  userMessages,
  validationErrors,
} from '../support/api.js';
import { type Answer, useTestApp } from '../support/test-app.js';
import { as, JWT_MODE } from '../support/tokens.js';

const api = useTestApp();
const HELLO = { role: 'user', content: 'Hello' };

let key: string;
let session: Session;

beforeEach(async () => {
  key = randomUUID();
  session = await createSession(api);
});

function post(
  path: string,
  body?: object,
  headers: Record<string, string> = {},
): Promise<Answer<{ chat_session: Session; message: Message; error: string }>> {
  return api.send('POST', `/api/chat-sessions${path}`, body, {
    'idempotency-key': key,
    ...headers,
  });
}

function expectReplay(answer: Answer, first: Answer) {
  expect(answer.status).toBe(first.status);
  expect(answer.headers['idempotent-replayed']).toBe('true');
  expect(first.headers).not.toHaveProperty('idempotent-replayed');
}

describe('POST /api/chat-sessions with an Idempotency-Key', () => {
  const body = { title: 'Refunds', messages: [HELLO] };

  it('creates one session, and answers it as it is now', async () => {
    const first = await post('', body);
    expect(first.status).toBe(201);
    const { id } = first.body.chat_session;
    await append(api, id, HELLO);
    const again = await post('', body);
    expectReplay(again, first);
    expect(again.body.chat_session).toEqual(await getSession(api, id));
    expect(again.headers.etag).not.toBe(first.headers.etag);
  });

  it('remembers that an id was there already', async () => {
    const first = await post('', { id: session.id });
    expect(first.status).toBe(200);
    expectReplay(await post('', { id: session.id }), first);
  });

  it('answers 404 once the session is gone', async () => {
    const first = await post('', body);
    const path = `/api/chat-sessions/${first.body.chat_session.id}`;
    await api.send('DELETE', path);
    const again = await post('', body);
    expect(again.status).toBe(404);
    expect(again.body).toEqual(errorBody('Chat session not found'));
  });
});

describe('POST /api/chat-sessions/:session_id/messages with an Idempotency-Key', () => {
  it.each([
    ['one message', HELLO],
    ['several', { messages: userMessages(3) }],
  ])('appends %s once, and answers as at first', async (_, body) => {
    const first = await post(`/${session.id}/messages`, body);
    expect(first.status).toBe(201);
    await append(api, session.id, HELLO);
    const again = await post(`/${session.id}/messages`, body);
    expectReplay(again, first);
    expect(again.body).toEqual(first.body);
    const { etag } = (await api.send('GET', `/api/chat-sessions/${session.id}`))
      .headers;
    expect(again.headers.etag).toBe(etag);
  });

  it('is replayed before If-Match is looked at: a lost reply is no 412', async () => {
    const { headers } = await api.send(
      'GET',
      `/api/chat-sessions/${session.id}`,
    );
    const ifMatch = { 'if-match': headers.etag! };
    const first = await post(`/${session.id}/messages`, HELLO, ifMatch);
    expect(first.status).toBe(201);
    expectReplay(await post(`/${session.id}/messages`, HELLO, ifMatch), first);
  });

  it('answers 404 once the messages are gone', async () => {
    await post(`/${session.id}/messages`, HELLO);
    await api.send('POST', `/api/chat-sessions/${session.id}/clear`);
    const again = await post(`/${session.id}/messages`, HELLO);
    expect(again.status).toBe(404);
    expect((await getSession(api, session.id)).message_count).toBe(0);
  });

  it('works together with ids of messages', async () => {
    const body = { id: 'mine', ...HELLO };
    await append(api, session.id, body);
    const first = await post(`/${session.id}/messages`, body);
    expect(first.status).toBe(200);
    expectReplay(await post(`/${session.id}/messages`, body), first);
  });
});

describe('POST /api/chat-sessions/:session_id/clear with an Idempotency-Key', () => {
  it('clears once: what was appended since stays', async () => {
    await append(api, session.id, HELLO);
    const first = await post(`/${session.id}/clear`);
    expect(first.status).toBe(200);
    await append(api, session.id, HELLO);
    const again = await post(`/${session.id}/clear`);
    expectReplay(again, first);
    expect(again.body).toEqual(first.body);
    const { messages } = await getPage(api, session.id);
    expect(messages.map(({ seq }) => seq)).toEqual([2]);
  });
});

describe('an Idempotency-Key', () => {
  it.each([
    ['another body', () => [`/${session.id}/messages`, { ...HELLO, id: 'x' }]],
    ['another path', () => [`/${randomUUID()}/messages`, HELLO]],
    ['another route', () => ['', {}]],
  ] as [string, () => [string, object]][])(
    'is refused for %s',
    async (_, other) => {
      await post(`/${session.id}/messages`, HELLO);
      const answer = await post(...other());
      expect(answer.status).toBe(422);
      expect(answer.body).toEqual(
        errorBody('Idempotency-Key was used for another request'),
      );
      expect((await getSession(api, session.id)).message_count).toBe(1);
    },
  );

  it('is not used up by an error', async () => {
    const path = `/${session.id}/messages`;
    const stale = { 'if-match': '"1-1"' };
    expect((await post(path, { ...HELLO, content: ' ' })).status).toBe(400);
    expect((await post(path, HELLO, stale)).status).toBe(412);
    expect((await post(`/${randomUUID()}/messages`, HELLO)).status).toBe(404);
    expect((await post(path, HELLO)).status).toBe(201);
  });

  it.each([
    ['1 character', 'x'],
    ['255 characters', 'x'.repeat(255)],
    ['any printable ASCII', '~!"#$%&\'()*+,-./:;<=>?@[\\]^_`{|} x'],
  ])('may be %s', async (_, value) => {
    const headers = { 'idempotency-key': value };
    const path = `/${session.id}/messages`;
    expect((await post(path, HELLO, headers)).status).toBe(201);
    const [first, again] = [
      await post(path, HELLO, { 'idempotency-key': `${key} A` }),
      await post(path, HELLO, { 'idempotency-key': `${key} a` }),
    ];
    // Two keys, which a careless collation takes for one.
    expect([first.status, again.status]).toEqual([201, 201]);
    expect(again.body.message.seq).toBe(first.body.message.seq + 1);
    await api.dataSource.getRepository(IdempotencyKey).clear();
  });

  it.each([
    ['empty', ''],
    ['256 characters', 'x'.repeat(256)],
    ['a letter beyond ASCII', 'schlüssel'],
    ['a control character', 'a\tb'],
  ])('may not be %s', async (_, value) => {
    const answer = await post(`/${session.id}/messages`, HELLO, {
      'idempotency-key': value,
    });
    expect(answer.status).toBe(400);
    expect(answer.body).toEqual(
      validationErrors(
        'Idempotency-Key must be 1 to 255 printable ASCII characters',
      ),
    );
  });

  const write = {
    create: () => post('', { messages: [HELLO] }),
    append: () => post(`/${session.id}/messages`, HELLO),
    clear: () => post(`/${session.id}/clear`),
  };
  it.each(Object.entries(write))(
    'has one effect when 50 equal requests come at once: %s',
    async (_, send) => {
      const { version } = await getSession(api, session.id);
      const answers = await Promise.all(Array.from({ length: 50 }, send));
      const firsts = answers.filter(
        ({ status, headers }) =>
          status < 300 && !headers['idempotent-replayed'],
      );
      expect(firsts).toHaveLength(1);
      for (const { status, headers } of answers) {
        if (status < 300) expect(status).toBe(firsts[0]!.status);
        else expect([status, headers['retry-after']]).toEqual([409, '1']);
      }
      if (send === write.create) {
        const ids = answers.flatMap(({ body }) => body.chat_session?.id ?? []);
        expect(new Set(ids).size).toBe(1);
      } else {
        const now = await getSession(api, session.id);
        expect(now.version).toBe(version + 1);
      }
    },
  );
});

describe('an Idempotency-Key of another owner', () => {
  const shared = useTestApp({ environment: JWT_MODE });

  it('is another key', async () => {
    const answers = [];
    for (const owner of ['alice', 'bob']) {
      const headers = { ...(await as(owner)), 'idempotency-key': 'same' };
      answers.push(
        await shared.send('POST', '/api/chat-sessions', {}, headers),
      );
    }
    expect(answers.map(({ status }) => status)).toEqual([201, 201]);
    expect(answers[1]!.text).not.toBe(answers[0]!.text);
  });
});

function whileTheFirstRuns() {
  it('the second is 409 with Retry-After, and holds up nobody', async () => {
    const stranger = await connectMysql(api.database.url);
    // Also when the test fails: dropping the database would wait for its transaction.
    onTestFinished(() => stranger.destroy());
    await stranger.beginTransaction();
    await stranger.query(
      "INSERT INTO idempotency_keys VALUES ('local', ?, '', 0, '', '[]', UTC_TIMESTAMP(3))",
      [key],
    );
    const start = performance.now();
    const second = post(`/${session.id}/messages`, HELLO);
    // Enough for all connections, if each could wait.
    const more = Array.from({ length: 50 }, () =>
      post(`/${session.id}/messages`, HELLO),
    );
    const others = await Promise.all(
      Array.from({ length: 20 }, () => append(api, session.id, HELLO)),
    );
    // Not the five seconds of their deadline.
    expect(performance.now() - start).toBeLessThan(2_000);
    expect(others.map(({ status }) => status)).toEqual(Array(20).fill(201));
    for (const answer of [await second, ...(await Promise.all(more))]) {
      expect(answer.status).toBe(409);
      expect(answer.headers['retry-after']).toBe('1');
      expect(answer.body).toEqual(
        errorBody(
          'The first request with this Idempotency-Key is still running',
        ),
      );
    }
    expect(performance.now() - start).toBeLessThan(3_000);
    await stranger.rollback();
    expect((await post(`/${session.id}/messages`, HELLO)).status).toBe(201);
  });
}

// SQLite runs one write at a time: nobody can come in between.
if (inject('store') === 'mysql') {
  describe('while the first runs', whileTheFirstRuns);
}
