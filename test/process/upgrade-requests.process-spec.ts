import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseDatabaseConfig } from '../../src/app/config/parse-config.js';
import { createDataSource } from '../../src/app/database/data-source.js';
import type { Message, Session } from '../support/api.js';
import { LongSessions } from '../support/long-sessions.js';
import { createMysqlDatabase } from '../support/mysql-database.js';
import {
  findMysqlServer,
  type MysqlServer,
  startMysqlServer,
} from '../support/mysql-server.js';
import { temporaryDirectory } from '../support/temporary-directory.js';
import { Client, messagesOf, startBoth } from '../support/two-versions.js';
import { buildVersionBefore } from '../support/version-before.js';

/** More than one transaction removes. */
const LONG = 2_500;

let before: string;
beforeAll(() => {
  before = buildVersionBefore();
});
afterAll(() => {
  rmSync(before, { recursive: true, force: true });
});

/** Texts of messages that are not deleted. */
function textsOf(messages: Message[]): string[] {
  return messages.map(({ content }) => content).filter((text) => text !== '');
}

/** Reads a session as clients do, which have the last response and its ETag. */
class Reader {
  private readonly bodies = new Map<string, Session>();
  private last = '';
  unchanged = 0;

  constructor(private readonly client: Client) {}

  async read(): Promise<Session> {
    const headers = { 'if-none-match': this.last };
    const { status, etag, body } = await this.client.send<{
      chat_session: Session;
    }>('GET', '', undefined, headers);
    if (status === 304) {
      this.unchanged++;
      return this.bodies.get(this.last)!;
    }
    if (status !== 200) throw new Error(`GET: ${status}`);
    this.last = etag!;
    this.bodies.set(etag!, body.chat_session);
    return body.chat_session;
  }
}

/** The rows of a session in all tables that may have some. */
async function rowsOf(url: string, id: string): Promise<number> {
  const config = parseDatabaseConfig({ DATABASE_URL: url });
  const dataSource = await (await createDataSource(config)).initialize();
  try {
    let rows = 0;
    for (const [table, column] of [
      ['chat_sessions', 'id'],
      ['chat_messages', 'session_id'],
      ['chat_purges', 'session_id'],
      ['chat_range_purges', 'session_id'],
    ] as const) {
      const found = await dataSource.query<object[]>(
        `SELECT 1 FROM ${table} WHERE ${column} = '${id}'`,
      );
      rows += found.length;
    }
    return rows;
  } finally {
    await dataSource.destroy();
  }
}

async function get<Body>(url: string): Promise<Body> {
  const response = await fetch(url);
  if (response.status !== 200) throw new Error(await response.text());
  return (await response.json()) as Body;
}

describe.each(['SQLite', 'MariaDB'])('on %s', (store) => {
  describe.skipIf(store === 'MariaDB' && !findMysqlServer())(
    'an instance of the version before',
    () => {
      let server: MysqlServer | undefined;
      beforeAll(async () => {
        if (store === 'MariaDB') server = await startMysqlServer();
      });
      afterAll(() => server?.stop());

      async function start() {
        const url = server
          ? (await createMysqlDatabase(server.url)).url
          : `sqlite:${join(temporaryDirectory(), 'chat.sqlite')}`;
        return { url, ...(await startBoth(url, before)) };
      }

      it('shows a session as it is, also to clients that know it: 304 is never given for other content', async () => {
        const { oldClient, client } = await start();
        const readers = [new Reader(oldClient), new Reader(client)];
        const title = { title: 'Second title' };
        const edited = { content: 'second edited' };
        const replaced = { after_id: 'first', messages: messagesOf(['new']) };
        const changes: [Client, string, string, object?][] = [
          [client, 'POST', '/messages', { messages: messagesOf(['a', 'b']) }],
          [oldClient, 'PATCH', '', { title: 'First title' }],
          [client, 'PATCH', '/messages/second', edited],
          [oldClient, 'POST', '/messages', { messages: messagesOf(['c']) }],
          [client, 'DELETE', '/messages/third'],
          [client, 'DELETE', '/messages/c'],
          [client, 'PATCH', '', title],
          [oldClient, 'POST', '/messages', { messages: messagesOf(['c']) }],
          [client, 'POST', '/messages/replace', { ...replaced, keep: false }],
          [oldClient, 'POST', '/clear'],
          [client, 'POST', '/messages', { messages: messagesOf(['d']) }],
          [client, 'POST', '/clear'],
        ];
        for (const [one, method, path, body] of changes) {
          await one.mustSend(method, path, body);
          const texts = await client.texts();
          for (const reader of readers) {
            for (const _time of ['first', 'second']) {
              const session = await reader.read();
              expect(textsOf(session.messages)).toEqual(texts);
            }
          }
          const [old, current] = await Promise.all(
            readers.map((reader) => reader.read()),
          );
          expect(old!.title).toBe(current!.title);
        }
        for (const { unchanged } of readers) {
          expect(unchanged).toBe(2 * changes.length);
        }
      });

      it('lists, and shows the history of, a session with deleted messages, and changes it', async () => {
        const { id, oldClient, client, old, current } = await start();
        await client.mustSend('DELETE', '/messages/second');
        await oldClient.mustSend('PATCH', '', { title: 'Other', pinned: true });
        for (const { url } of [old, current]) {
          const list = await get<{ chat_sessions: Session[] }>(
            `${url}/api/chat-sessions`,
          );
          expect(list.chat_sessions).toMatchObject([
            {
              id,
              title: 'Other',
              pinned: true,
              message_count: url === old.url ? 3 : 2,
            },
          ]);
          const { messages } = await get<{ messages: Message[] }>(
            `${url}/api/history`,
          );
          expect(textsOf(messages)).toEqual(['first', 'third']);
        }
      });

      it('deletes a session with deleted messages, and leaves no row', async () => {
        const { url, id, oldClient, client } = await start();
        await client.mustSend('DELETE', '/messages/second');
        expect(await rowsOf(url, id)).toBe(5);
        await oldClient.mustSend('DELETE', '');
        for (const one of [oldClient, client]) {
          expect((await one.send('GET', '')).status).toBe(404);
        }
        await expect.poll(() => rowsOf(url, id), { timeout: 60_000 }).toBe(0);
      });

      it('clears a long session of which many messages were just deleted', async () => {
        const { old, current } = await start();
        const sessions = new LongSessions(current.url);
        const id = await sessions.create(LONG, 10);
        const oldClient = new Client(old.url, id);
        const client = new Client(current.url, id);
        expect(await sessions.deleteMessages(id)).toBe(204);
        await oldClient.clear();
        await client.append('new');
        await oldClient.append('next');
        for (const one of [oldClient, client]) {
          expect(await one.texts()).toEqual(['new', 'next']);
        }
      });

      it('shows the key of a long message id, and refuses both in a path', async () => {
        const { oldClient, client } = await start();
        const id = 'é'.repeat(65);
        await client.append(id);
        const { body } = await oldClient.send<{ messages: Message[] }>(
          'GET',
          '/messages?after=3',
        );
        const [message] = body.messages;
        expect(message).toMatchObject({
          id: expect.stringMatching(/^~[\w-]{43}$/) as string,
          content: id,
        });
        expect(await oldClient.statusOf(encodeURIComponent(id))).toBe(400);
        expect(await oldClient.statusOf(message!.id)).toBe(400);
        expect(await client.statusOf(encodeURIComponent(id))).toBe(200);
        await oldClient.append('next');
        expect(await client.texts()).toEqual([
          'first',
          'second',
          'third',
          id,
          'next',
        ]);
      });
    },
  );
});
