import { join } from 'node:path';
import type { Message } from './api.js';
import { LongSessions } from './long-sessions.js';
import { ROOT } from './service-process.js';
import { runNode, startTestService } from './test-service.js';

/** A client of one session on one instance. Its requests fail at any 5xx. */
export class Client {
  private readonly path: string;

  constructor(url: string, id: string) {
    this.path = `${url}/api/chat-sessions/${id}`;
  }

  async send<Body>(
    method: string,
    path: string,
    body?: object,
    headers: Record<string, string> = {},
  ): Promise<{ status: number; etag: string | null; body: Body }> {
    if (body) headers['content-type'] = 'application/json';
    const response = await fetch(this.path + path, {
      method,
      headers,
      body: JSON.stringify(body),
    });
    const text = await response.text();
    const { status } = response;
    if (status >= 500) throw new Error(`${method} ${path}: ${status} ${text}`);
    const etag = response.headers.get('etag');
    return { status, etag, body: (text && JSON.parse(text)) as Body };
  }

  /** A request that must succeed. */
  async mustSend(method: string, path: string, body?: object): Promise<void> {
    const response = await this.send(method, path, body);
    if (response.status < 300) return;
    throw new Error(`${method} ${path}: ${JSON.stringify(response)}`);
  }

  async append(...ids: string[]): Promise<void> {
    const messages = messagesOf(ids);
    await this.mustSend('POST', '/messages', { messages });
  }

  clear(): Promise<void> {
    return this.mustSend('POST', '/clear');
  }

  async statusOf(id: string): Promise<number> {
    return (await this.send('GET', `/messages/${id}`)).status;
  }

  /** The texts of all pages, in order; deleted messages have none in the version before. */
  async texts(limit = 7): Promise<string[]> {
    const texts: string[] = [];
    let after = 0;
    for (;;) {
      const path = `/messages?limit=${limit}&after=${after}`;
      const { body } = await this.send<{ messages: Message[] }>('GET', path);
      if (body.messages.length === 0) break;
      texts.push(...body.messages.map(({ content }) => content));
      after = body.messages.at(-1)!.seq;
    }
    return texts.filter((text) => text !== '');
  }
}

export function messagesOf(ids: string[]) {
  return ids.map((id) => ({ id, role: 'user', content: id }));
}

/** Both versions on a database that the version before has created, and the new one migrated while it ran. */
export async function startBoth(url: string, before: string) {
  const migrated = { DATABASE_URL: url, DATABASE_MIGRATE: 'true' };
  const old = await startTestService(migrated, { root: before });
  const id = await new LongSessions(old.url).create(0, 0);
  const oldClient = new Client(old.url, id);
  await oldClient.append('first', 'second', 'third');
  const { exitCode } = await runNode([join(ROOT, 'dist/migrate.js')], {
    DATABASE_URL: url,
  });
  if (exitCode !== 0) throw new Error('The migrations failed');
  const current = await startTestService({ DATABASE_URL: url });
  return { id, oldClient, client: new Client(current.url, id), old, current };
}
