import { randomUUID } from 'node:crypto';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  getPage,
  getSession,
  type Message,
  numbers,
  type Session,
} from '../support/api.js';
import { useTestApp } from '../support/test-app.js';

const api = useTestApp();
let url: string;

beforeAll(async () => {
  url = await api.listen();
});

const MAX_RETRIES = 2;

/**
 * Sends again what the official OpenAI client sends again: a request whose
 * connection broke, or that was answered 408, 409, 429 or 5xx. Of its answers
 * each second is lost on the way, when the service has long done its part.
 */
class Client {
  readonly statuses: number[] = [];
  private answers = 0;

  async post<Body>(
    path: string,
    body?: object,
    headers: Record<string, string> = {},
  ): Promise<Body> {
    for (let retries = 0; ; retries++) {
      const status = await this.attempt(path, body, headers);
      if (typeof status !== 'number') return status as Body;
      if (retries === MAX_RETRIES) throw new Error(`Answered ${status}`);
    }
  }

  /** The body of an answer, or 0 or a status where there is to be another attempt. */
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
    const answer = await response.json();
    if (++this.answers % 2 === 0) return 0;
    const { status } = response;
    this.statuses.push(status);
    if ([408, 409, 429].includes(status) || status >= 500) return status;
    if (!response.ok) throw new Error(`Answered ${status}`);
    return answer;
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

/** Creates a session, and appends to it as several clients at once, each one message after the other. */
async function converse(identify: Identify) {
  const creator = new Client();
  const { body, headers } = identify({ title: randomUUID() });
  const [{ chat_session: session }] = [
    // The first answer of a client arrives: this is sent twice.
    await creator.post<{ chat_session: Session }>('', body, headers),
    await creator.post<{ chat_session: Session }>('', body, headers),
  ];
  const clients = await Promise.all(
    numbers(1, 4).map(async (name) => {
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
    }),
  );
  const { messages } = await getPage(api, session.id, 'limit=200');
  return { session, clients: [creator, ...clients], messages };
}

describe('clients that send again, and lose every second answer', () => {
  it.each([
    ['ids of their own', byId],
    ['Idempotency-Keys', byKey],
  ])('double nothing with %s', async (_, identify) => {
    const { session, messages } = await converse(identify);
    const contents = messages.map(({ content }) => content);
    expect(new Set(contents).size).toBe(4 * 12 * 3);
    expect(contents).toHaveLength(4 * 12 * 3);
    expect(messages.map(({ seq }) => seq)).toEqual(numbers(1, 4 * 12 * 3));
    const now = await getSession(api, session.id);
    // Each write counted once.
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

  it('would double a lot with neither', async () => {
    const { messages } = await converse(byNothing);
    const contents = messages.map(({ content }) => content);
    expect(new Set(contents).size).toBeLessThan(contents.length);
  });

  it('clear once with an Idempotency-Key, whatever was appended since', async () => {
    const client = new Client();
    const { chat_session: session } = await client.post<{
      chat_session: Session;
    }>('', {});
    const path = `/${session.id}`;
    const append = (id: string) =>
      new Client().post(`${path}/messages`, { id, role: 'user', content: id });
    const clear = { 'idempotency-key': randomUUID() };
    await append('before');
    // The second answer of this client: lost, and sent again.
    await client.post(`${path}/clear`, undefined, clear);
    await append('after');
    await client.post(`${path}/clear`, undefined, clear);
    const { messages } = await getPage(api, session.id);
    expect(messages.map(({ id }) => id)).toEqual(['after']);
    expect(client.statuses).toEqual([201, 200, 200]);
  });
});
