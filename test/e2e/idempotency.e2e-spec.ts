import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { IdempotencyKey } from '../../src/chat-sessions/writes/idempotency/idempotency-key.entity.js';
import {
  append,
  errorBody,
  getPage,
  getSession,
  userMessages,
  validationErrors,
} from '../support/api.js';
import { HELLO, holdKey, useKeyedRequests } from '../support/idempotent.js';
import { connectMysql } from '../support/mysql-connection.js';
import { inParallel } from '../support/parallel.js';
import { onMysql } from '../support/stores.js';
import { type TestResponse, useTestApp } from '../support/test-app.js';
import { as, JWT_MODE } from '../support/tokens.js';

const api = useTestApp();
const keyed = useKeyedRequests(api);
const { post } = keyed;

async function currentEtag(): Promise<string> {
  const path = `/api/chat-sessions/${keyed.session.id}`;
  return (await api.send('GET', path)).headers.etag!;
}

function expectReplay(response: TestResponse, first: TestResponse) {
  expect(response.status).toBe(first.status);
  expect(response.headers['idempotent-replayed']).toBe('true');
  expect(first.headers).not.toHaveProperty('idempotent-replayed');
}

describe('POST /api/chat-sessions with an Idempotency-Key', () => {
  const body = { title: 'Refunds', messages: [HELLO] };

  it('creates one session, and replays it as it is now', async () => {
    const first = await post('', body);
    expect(first.status).toBe(201);
    const { id } = first.body.chat_session;
    await append(api, id, HELLO);
    const again = await post('', body);
    expectReplay(again, first);
    expect(again.body.chat_session).toEqual(await getSession(api, id));
    expect(again.headers.etag).not.toBe(first.headers.etag);
  });

  it('replays the 200 of a session id that existed', async () => {
    const { id } = keyed.session;
    const first = await post('', { id });
    expect(first.status).toBe(200);
    expectReplay(await post('', { id }), first);
  });

  it('answers 404 after the session was deleted', async () => {
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
  ])('appends %s once, and replays the first response', async (_, body) => {
    const first = await keyed.append(body);
    expect(first.status).toBe(201);
    await append(api, keyed.session.id, HELLO);
    const again = await keyed.append(body);
    expectReplay(again, first);
    expect(again.body).toEqual(first.body);
    expect(again.headers.etag).toBe(await currentEtag());
  });

  it('replays although If-Match no longer matches', async () => {
    const ifMatch = { 'if-match': await currentEtag() };
    const first = await keyed.append(HELLO, ifMatch);
    expect(first.status).toBe(201);
    expectReplay(await keyed.append(HELLO, ifMatch), first);
  });

  it('answers 404 after the messages were deleted', async () => {
    await keyed.append(HELLO);
    await api.send('POST', `/api/chat-sessions/${keyed.session.id}/clear`);
    const again = await keyed.append(HELLO);
    expect(again.status).toBe(404);
    expect((await getSession(api, keyed.session.id)).message_count).toBe(0);
  });

  it('replays the 200 of a message id that existed', async () => {
    const body = { id: 'mine', ...HELLO };
    await append(api, keyed.session.id, body);
    const first = await keyed.append(body);
    expect(first.status).toBe(200);
    expectReplay(await keyed.append(body), first);
  });
});

describe('POST /api/chat-sessions/:session_id/clear with an Idempotency-Key', () => {
  it('clears once, and keeps messages that were appended since', async () => {
    const { id } = keyed.session;
    await append(api, id, HELLO);
    const first = await keyed.clear();
    expect(first.status).toBe(200);
    await append(api, id, HELLO);
    const again = await keyed.clear();
    expectReplay(again, first);
    expect(again.body).toEqual(first.body);
    const { messages } = await getPage(api, id);
    expect(messages.map(({ seq }) => seq)).toEqual([2]);
  });
});

describe('an Idempotency-Key', () => {
  it.each([
    ['another body', () => keyed.append({ ...HELLO, id: 'x' })],
    ['another path', () => post(`/${randomUUID()}/messages`, HELLO)],
    ['another route', () => post('', {})],
  ])('is refused for %s', async (_, sendOther) => {
    await keyed.append(HELLO);
    const response = await sendOther();
    expect(response.status).toBe(422);
    expect(response.body).toEqual(
      errorBody('Idempotency-Key was used for another request'),
    );
    expect((await getSession(api, keyed.session.id)).message_count).toBe(1);
  });

  it('replays a body whose keys have another order', async () => {
    const first = await post('', { title: 'Refunds', config: { a: 1, b: 2 } });
    expect(first.status).toBe(201);
    const again = await post('', { config: { b: 2, a: 1 }, title: 'Refunds' });
    expectReplay(again, first);
  });

  it('can be used again after an error', async () => {
    const stale = { 'if-match': '"1-1"' };
    expect((await keyed.append({ ...HELLO, content: ' ' })).status).toBe(400);
    expect((await keyed.append(HELLO, stale)).status).toBe(412);
    expect((await post(`/${randomUUID()}/messages`, HELLO)).status).toBe(404);
    expect((await keyed.append(HELLO)).status).toBe(201);
  });

  it.each([
    ['1 character', 'x'],
    ['255 characters', 'x'.repeat(255)],
    ['any printable ASCII', '~!"#$%&\'()*+,-./:;<=>?@[\\]^_`{|} x'],
  ])('may be %s', async (_, value) => {
    const headers = { 'idempotency-key': value };
    expect((await keyed.append(HELLO, headers)).status).toBe(201);
    await api.dataSource.getRepository(IdempotencyKey).clear();
  });

  it('is case-sensitive', async () => {
    const [first, second] = [
      await keyed.append(HELLO, { 'idempotency-key': `${keyed.key} A` }),
      await keyed.append(HELLO, { 'idempotency-key': `${keyed.key} a` }),
    ];
    expect([first.status, second.status]).toEqual([201, 201]);
    expect(second.body.message.seq).toBe(first.body.message.seq + 1);
  });

  it.each([
    ['empty', ''],
    ['256 characters', 'x'.repeat(256)],
    ['a letter beyond ASCII', 'schlüssel'],
    ['a control character', 'a\tb'],
  ])('may not be %s', async (_, value) => {
    const response = await keyed.append(HELLO, { 'idempotency-key': value });
    expect(response.status).toBe(400);
    expect(response.body).toEqual(
      validationErrors(
        'Idempotency-Key must be 1 to 255 printable ASCII characters',
      ),
    );
  });

  const write = {
    create: () => post('', { messages: [HELLO] }),
    append: () => keyed.append(HELLO),
    clear: () => keyed.clear(),
  };
  it.each(Object.entries(write))(
    'has one effect in 50 equal requests at once: %s',
    async (_, send) => {
      const { version } = await getSession(api, keyed.session.id);
      const responses = await inParallel(50, send);
      const firsts = responses.filter(
        ({ status, headers }) =>
          status < 300 && !headers['idempotent-replayed'],
      );
      expect(firsts).toHaveLength(1);
      for (const { status, headers } of responses) {
        if (status < 300) expect(status).toBe(firsts[0]!.status);
        else expect([status, headers['retry-after']]).toEqual([409, '1']);
      }
      if (send === write.create) {
        const ids = responses.flatMap(
          ({ body }) => body.chat_session?.id ?? [],
        );
        expect(new Set(ids).size).toBe(1);
      } else {
        const now = await getSession(api, keyed.session.id);
        expect(now.version).toBe(version + 1);
      }
    },
  );
});

describe('an Idempotency-Key of another owner', () => {
  const shared = useTestApp({ environment: JWT_MODE });

  it('is another key', async () => {
    const responses = [];
    for (const owner of ['alice', 'bob']) {
      const headers = { ...(await as(owner)), 'idempotency-key': 'same' };
      responses.push(
        await shared.send('POST', '/api/chat-sessions', {}, headers),
      );
    }
    expect(responses.map(({ status }) => status)).toEqual([201, 201]);
    expect(responses[1]!.text).not.toBe(responses[0]!.text);
  });
});

// SQLite runs one write at a time: there the second request begins after the first.
onMysql.describe('while the first request with an Idempotency-Key runs', () => {
  /** The largest number of connections that insert a key, or wait to, at once before the work is done. */
  async function mostAtTheirKey(work: Promise<unknown>): Promise<number> {
    const monitor = await connectMysql(api.database.url);
    let isDone = false;
    const end = () => {
      isDone = true;
    };
    work.then(end, end);
    let most = 0;
    try {
      while (!isDone) {
        const [rows] = await monitor.query(
          `SELECT COUNT(*) AS count FROM information_schema.PROCESSLIST
          WHERE DB = DATABASE() AND INFO LIKE 'INSERT INTO %idempotency_keys%'`,
        );
        const [{ count }] = rows as [{ count: number }];
        most = Math.max(most, count);
      }
    } finally {
      await monitor.end();
    }
    return most;
  }

  it('answers 409 with Retry-After, and other requests succeed', async () => {
    const release = await holdKey(api, keyed.key);
    // More requests than there are connections.
    const repeated = inParallel(51, () => keyed.append(HELLO));
    const others = inParallel(20, () => append(api, keyed.session.id, HELLO));
    const all = Promise.all([repeated, others]);
    expect(await mostAtTheirKey(all)).toBeLessThanOrEqual(2);
    for (const { status } of await others) expect(status).toBe(201);
    for (const response of await repeated) {
      expect(response.status).toBe(409);
      expect(response.headers['retry-after']).toBe('1');
      expect(response.body).toEqual(
        errorBody(
          'The first request with this Idempotency-Key is still running',
        ),
      );
    }
    await release();
    expect((await keyed.append(HELLO)).status).toBe(201);
  });
});
