import { randomUUID } from 'node:crypto';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  getPage,
  getSession,
  type Message,
  numbers,
  type Session,
} from '../support/api.js';
import { inParallel } from '../support/parallel.js';
import { useTestApp } from '../support/test-app.js';

const api = useTestApp();
let url: string;

beforeAll(async () => {
  url = await api.listen();
});

const MAX_RETRIES = 2;

/**
 * Retries as the official OpenAI client does: after a broken connection, and
 * after 408, 409, 429 and 5xx. It loses every second response, after the service
 * has done the request.
 */
class Client {
  readonly statuses: number[] = [];
  private responses = 0;

  async post<Body>(
    path: string,
    body?: object,
    headers: Record<string, string> = {},
  ): Promise<Body> {
    for (let retries = 0; ; retries++) {
      const status = await this.attempt(path, body, headers);
      if (typeof status !== 'number') return status as Body;
      if (retries === MAX_RETRIES) throw new Error(`Status ${status}`);
    }
  }

  /** The body of a response, or its status if the request is to be retried: 0 if it was lost. */
  private async attempt(
    path: string,
    body: object | undefined,
    headers: Record<string, string>,
  ): Promise<unknown> {
    const response = await fetch(`${url}/api/chat-sessions${path}`, {
      method: 'POST',
      headers: {
        ...(body && { 'content-type': 'application/json' }),
        ...headers,
      },
      body: body && JSON.stringify(body),
    });
    const responseBody = await response.json();
    if (++this.responses % 2 === 0) return 0;
    const { status } = response;
    this.statuses.push(status);
    if ([408, 409, 429].includes(status) || status >= 500) return status;
    if (!response.ok) throw new Error(`Status ${status}`);
    return responseBody;
  }
}

type Identify = (body: object) => {
  body: object;
  headers?: Record<string, string>;
};
const byId: Identify = (body) => ({ body: { id: randomUUID(), ...body } });
const byKey: Identify = (body) => ({
  body,
  headers: { 'idempotency-key': randomUUID() },
});
const byNothing: Identify = (body) => ({ body });

/** Creates a session, to which four clients append in parallel. Each sends one request after the other. */
async function converse(identify: Identify) {
  const creator = new Client();
  const { body, headers } = identify({ title: randomUUID() });
  const [{ chat_session: session }] = [
    // The second response is lost, and the request is sent again.
    await creator.post<{ chat_session: Session }>('', body, headers),
    await creator.post<{ chat_session: Session }>('', body, headers),
  ];
  const clients = await inParallel(4, async (name) => {
    const client = new Client();
    for (const n of numbers(1, 12)) {
      const message = (part: number) => ({
        role: 'user',
        content: `${name}.${n}.${part}`,
      });
      const path = `/${session.id}/messages`;
      const one = identify(message(1));
      await client.post<{ message: Message }>(path, one.body, one.headers);
      const batch = [2, 3].map((part) => identify(message(part)));
      const { messages } = await client.post<{ messages: Message[] }>(
        path,
        { messages: batch.map(({ body: item }) => item) },
        batch[0]!.headers,
      );
      expect(messages.map(({ content }) => content)).toEqual(
        [2, 3].map((part) => message(part).content),
      );
    }
    return client;
  });
  const { messages } = await getPage(api, session.id, 'limit=200');
  return { session, clients: [creator, ...clients], messages };
}

describe('clients that retry and lose every second response', () => {
  it.each([
    ['ids of their own', byId],
    ['Idempotency-Keys', byKey],
  ])('write nothing twice with %s', async (_, identify) => {
    const { session, messages } = await converse(identify);
    const contents = messages.map(({ content }) => content);
    expect(new Set(contents).size).toBe(4 * 12 * 3);
    expect(contents).toHaveLength(4 * 12 * 3);
    expect(messages.map(({ seq }) => seq)).toEqual(numbers(1, 4 * 12 * 3));
    const now = await getSession(api, session.id);
    // One for the create, and one for each write.
    expect(now.version).toBe(1 + 4 * 12 * 2);
    const { body } = await api.send<{ chat_sessions: Session[] }>(
      'GET',
      '/api/chat-sessions?limit=100',
    );
    const ofThisTitle = body.chat_sessions.filter(
      ({ title }) => title === session.title,
    );
    expect(ofThisTitle).toHaveLength(1);
  });

  it('write messages twice with neither', async () => {
    const { messages } = await converse(byNothing);
    const contents = messages.map(({ content }) => content);
    expect(new Set(contents).size).toBeLessThan(contents.length);
  });

  it('clear once with an Idempotency-Key, and keep messages that were appended since', async () => {
    const client = new Client();
    const { chat_session: session } = await client.post<{
      chat_session: Session;
    }>('', {});
    const path = `/${session.id}`;
    const append = (id: string) =>
      new Client().post(`${path}/messages`, { id, role: 'user', content: id });
    const clear = { 'idempotency-key': randomUUID() };
    await append('before');
    // The second response of this client is lost, and the request is sent again.
    await client.post(`${path}/clear`, undefined, clear);
    await append('after');
    await client.post(`${path}/clear`, undefined, clear);
    const { messages } = await getPage(api, session.id);
    expect(messages.map(({ id }) => id)).toEqual(['after']);
    expect(client.statuses).toEqual([201, 200, 200]);
  });
});
