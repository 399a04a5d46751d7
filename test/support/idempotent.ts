import { randomUUID } from 'node:crypto';
import { beforeEach, onTestFinished } from 'vitest';
import { createSession, type Message, type Session } from './api.js';
import { connectMysql } from './mysql-connection.js';
import type { TestApp, TestResponse } from './test-app.js';

export const HELLO = { role: 'user', content: 'Hello' };

interface WriteBody {
  chat_session: Session;
  message: Message;
  error: string;
}

/** Requests with an Idempotency-Key. Each test has a new key and a new session. */
export class KeyedRequests {
  key: string;
  session: Session;

  constructor(private readonly api: TestApp) {}

  /** The path goes on after `/api/chat-sessions`. */
  readonly post = (
    path: string,
    body?: object,
    headers: Record<string, string> = {},
  ): Promise<TestResponse<WriteBody>> =>
    this.api.send('POST', `/api/chat-sessions${path}`, body, {
      'idempotency-key': this.key,
      ...headers,
    });

  /** Appends to the session of the test. */
  readonly append = (body: object, headers?: Record<string, string>) =>
    this.post(`/${this.session.id}/messages`, body, headers);

  /** Clears the session of the test. */
  readonly clear = (headers?: Record<string, string>) =>
    this.post(`/${this.session.id}/clear`, undefined, headers);
}

/** @param messageCount of each new session */
export function useKeyedRequests(
  api: TestApp,
  messageCount = 0,
): KeyedRequests {
  const requests = new KeyedRequests(api);
  beforeEach(async () => {
    requests.key = randomUUID();
    requests.session = await createSession(api, {}, messageCount);
  });
  return requests;
}

/**
 * Inserts a key on MySQL and leaves the transaction open, as the first request
 * with this key does while it runs. The transaction ends with the test, or by
 * calling the function that this resolves to.
 */
export async function holdKey(
  api: TestApp,
  key: string,
): Promise<() => Promise<void>> {
  const connection = await connectMysql(api.database.url);
  // Dropping the database would wait for the transaction.
  onTestFinished(() => connection.destroy());
  await connection.beginTransaction();
  await connection.query(
    "INSERT INTO idempotency_keys VALUES ('local', ?, '', 0, '', '[]', UTC_TIMESTAMP(3))",
    [key],
  );
  return () => connection.rollback();
}
