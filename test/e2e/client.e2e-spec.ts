import { once } from 'node:events';
import { createServer, type IncomingMessage, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { ChatSessionsClient } from '../../src/client/index.js';
import { NOBODYS_ID, numbers, userMessages } from '../support/api.js';
import { collect } from '../support/collect.js';
import { errorOf } from '../support/scripted-client.js';
import { useTestApp } from '../support/test-app.js';
import { JWT_MODE, signToken } from '../support/tokens.js';

const api = useTestApp({ environment: JWT_MODE });
let baseUrl: string;
let alice: ChatSessionsClient;

beforeAll(async () => {
  baseUrl = await api.listen();
  alice = clientOf('alice');
});

function clientOf(owner: string): ChatSessionsClient {
  return new ChatSessionsClient({
    baseUrl,
    token: () => signToken({ sub: owner }),
  });
}

const hello = { role: 'user', content: 'Hello 🧾' } as const;

describe('ChatSessionsClient', () => {
  it('creates, changes, clears and deletes a session', async () => {
    const { chat_session: created } = await alice.create({
      title: 'Refunds',
      messages: [hello],
    });
    const { id } = created;
    expect(created).toMatchObject({ title: 'Refunds', message_count: 1 });

    const { chat_session: got, etag } = await alice.get(id);
    expect(got).toEqual(created);
    const { chat_session: bare } = await alice.get(id, { messages: 0 });
    expect(bare.messages).toEqual([]);
    expect(await alice.get(id, { ifNoneMatch: etag })).toBeUndefined();

    const updated = await alice.update(
      id,
      { title: null, pinned: true },
      { ifMatch: etag },
    );
    expect(updated.chat_session).toMatchObject({ title: null, pinned: true });
    const configured = await alice.replaceConfig(
      id,
      { model: 'large' },
      { ifMatch: updated.etag },
    );
    const cleared = await alice.clear(id, { ifMatch: configured.etag });
    const changed = await alice.get(id, { ifNoneMatch: etag });
    expect(changed?.chat_session).toMatchObject({
      config: { model: 'large' },
      message_count: 0,
    });
    expect(changed?.etag).toBe(cleared.etag);
    await alice.delete(id, { ifMatch: cleared.etag });
    expect(await errorOf(alice.get(id))).toMatchObject({ status: 404 });
  });

  it('appends one message or several, and gets a message', async () => {
    const { chat_session } = await alice.create();
    const { message, etag } = await alice.append(chat_session.id, hello);
    expect(message).toMatchObject({ ...hello, seq: 1 });
    const { messages } = await alice.append(
      chat_session.id,
      [{ ...hello, id: 'own' }, hello],
      { ifMatch: etag },
    );
    expect(messages.map(({ seq }) => seq)).toEqual([2, 3]);
    expect(messages[0]?.id).toBe('own');
    const own = await alice.message(chat_session.id, 'own');
    expect(own).toEqual({ message: messages[0] });
    expect(await alice.history()).toEqual({
      messages: [message, ...messages],
    });
  });

  it('yields no more messages of a page after an abort', async () => {
    const { chat_session } = await alice.create({ messages: userMessages(3) });
    const controller = new AbortController();
    const { signal } = controller;
    const seqs: number[] = [];
    const loop = async () => {
      for await (const { seq } of alice.messages(
        chat_session.id,
        {},
        { signal },
      )) {
        seqs.push(seq);
        controller.abort(new Error('enough'));
      }
    };
    await expect(loop()).rejects.toThrow('enough');
    expect(seqs).toEqual([1]);
  });

  it('iterates over the messages in both directions', async () => {
    const { chat_session } = await alice.create({ messages: userMessages(9) });
    const { id } = chat_session;
    const seqs = async (query?: Parameters<typeof alice.messages>[1]) =>
      (await collect(alice.messages(id, query))).map(({ seq }) => seq);
    const oldestFirst = numbers(1, 9);
    const newestFirst = oldestFirst.toReversed();
    expect(await seqs()).toEqual(oldestFirst);
    for (const limit of [1, 2, 3, 9, 10]) {
      expect(await seqs({ limit })).toEqual(oldestFirst);
      expect(await seqs({ limit, from: 'newest' })).toEqual(newestFirst);
      expect(await seqs({ limit, after: 4 })).toEqual(numbers(5, 9));
      expect(await seqs({ limit, before: 4 })).toEqual([3, 2, 1]);
    }
    expect(await seqs({ after: 9 })).toEqual([]);
    expect(await seqs({ before: 1 })).toEqual([]);
    await alice.clear(id);
    expect(await seqs()).toEqual([]);
    expect(await seqs({ from: 'newest' })).toEqual([]);
  });

  it('gets only the pages that are iterated over', async () => {
    const paths: string[] = [];
    const client = new ChatSessionsClient({
      baseUrl,
      token: await signToken({ sub: 'alice' }),
      fetch: (input, init) => {
        paths.push(input as string);
        return fetch(input, init);
      },
    });
    const { chat_session } = await client.create({ messages: userMessages(9) });
    paths.length = 0;
    const newest = client.messages(chat_session.id, {
      from: 'newest',
      limit: 2,
    });
    expect(paths).toHaveLength(0);
    for await (const { seq } of newest) if (seq === 6) break;
    expect(paths).toHaveLength(2);
  });

  it('iterates over the sessions of its owner', async () => {
    const bob = clientOf('bob');
    const ids: string[] = [];
    for (const title of ['a', 'b', 'c', 'd', 'e']) {
      const { chat_session } = await bob.create({ title, document_id: 'doc' });
      ids.unshift(chat_session.id);
    }
    await bob.update(ids[0]!, { archived: true });
    const idsOf = async (query?: Parameters<typeof bob.sessions>[0]) =>
      (await collect(bob.sessions(query))).map(({ id }) => id);
    expect(await idsOf()).toEqual(ids.slice(1));
    expect(await idsOf({ limit: 3 })).toEqual(ids.slice(1));
    expect(await idsOf({ archived: true })).toEqual(ids.slice(0, 1));
    expect(await idsOf({ document_id: 'other' })).toEqual([]);
    const first = await bob.list({ limit: 2 });
    const { next_cursor: cursor } = first;
    expect(await idsOf({ cursor: cursor! })).toEqual(ids.slice(3));
  });

  it('gets or creates the session of a section', async () => {
    const section = ['doc/ü', 'sec 7?'] as const;
    const created = await alice.ofSection(...section);
    const again = await alice.ofSection(...section);
    expect(again.chat_session).toEqual(created.chat_session);
    expect(created.chat_session.document_id).toBe('doc/ü');
  });

  it('replays a request with the same idempotencyKey', async () => {
    const key = { idempotencyKey: 'after a restart' };
    const { chat_session } = await alice.create({}, key);
    expect(await alice.create({}, key)).toMatchObject({ chat_session });
    const append = { idempotencyKey: 'the same message' };
    const first = await alice.append(chat_session.id, hello, append);
    const second = await alice.append(chat_session.id, hello, append);
    expect(second).toEqual(first);
  });
});

describe('ChatSessionsApiError', () => {
  it('has the error, the details and the request id', async () => {
    const call = alice.create({ title: 'x'.repeat(256) });
    const error = await errorOf(call);
    expect(error).toMatchObject({
      status: 400,
      text: 'Validation failed',
      details: ['title must be at most 255 characters long'],
      attempts: 1,
      mayBeDone: false,
    });
    expect(error.requestId).toMatch(/^[0-9a-f-]{36}$/);
  });

  it.each<[number, (client: ChatSessionsClient) => Promise<unknown>]>([
    [404, (client) => client.get(NOBODYS_ID)],
    [404, (client) => client.append(NOBODYS_ID, hello)],
    [404, (client) => collect(client.messages(NOBODYS_ID))],
    [400, (client) => client.get('not a UUID')],
    [400, (client) => collect(client.sessions({ limit: 101 }))],
    [400, (client) => client.delete(NOBODYS_ID, { ifMatch: '' })],
  ])('has the status %i', async (status, call) => {
    expect(await errorOf(call(alice))).toMatchObject({ status });
  });

  it('has the status 412 if the session has changed', async () => {
    const { chat_session, etag } = await alice.create();
    await alice.append(chat_session.id, hello);
    const change = alice.update(chat_session.id, {}, { ifMatch: etag });
    expect(await errorOf(change)).toMatchObject({
      status: 412,
      mayBeDone: false,
    });
  });

  it('has the status 401 without a valid token', async () => {
    const client = new ChatSessionsClient({ baseUrl, token: 'wrong' });
    expect(await errorOf(client.history())).toMatchObject({ status: 401 });
  });
});

/** Starts a proxy that makes every ETag weak, as nginx does with `gzip on`. Returns its URL. */
async function weakeningProxy(): Promise<string> {
  const proxy = createServer((incoming, outgoing) => {
    const { method, url, headers } = incoming;
    const forwarded = request(new URL(url!, baseUrl), { method, headers });
    incoming.pipe(forwarded);
    forwarded.on('response', (response: IncomingMessage) => {
      const { etag } = response.headers;
      outgoing.writeHead(response.statusCode!, {
        ...response.headers,
        ...(etag && { etag: `W/${etag}` }),
      });
      response.pipe(outgoing);
    });
  });
  proxy.listen(0, '127.0.0.1');
  await once(proxy, 'listening');
  onTestFinished(() => void proxy.close());
  return `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`;
}

it('can change a session behind a proxy that makes ETags weak', async () => {
  const client = new ChatSessionsClient({
    baseUrl: await weakeningProxy(),
    token: () => signToken({ sub: 'alice' }),
  });
  const { chat_session, etag } = await client.create({ title: 'Weak' });
  expect(etag).toMatch(/^W\//);
  const { id } = chat_session;
  const first = await client.update(id, { pinned: true }, { ifMatch: etag });
  const second = await client.append(id, [hello], { ifMatch: first.etag });
  expect(await client.get(id, { ifNoneMatch: second.etag })).toBeUndefined();
  const late = await errorOf(client.delete(id, { ifMatch: etag }));
  expect(late).toMatchObject({ status: 412 });
  await client.delete(id, { ifMatch: second.etag });
});
