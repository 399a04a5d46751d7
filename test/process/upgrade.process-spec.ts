import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Message } from '../support/api.js';
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

const ROUNDS = 24;
/** More than one transaction removes. */
const LONG = 2_500;
/** Long enough for a fork that a run of the purger overtakes. */
const FORKED = 20_000;
const JSON_REQUEST = {
  method: 'POST',
  headers: { 'content-type': 'application/json' },
  body: '{}',
};

let before: string;
beforeAll(() => {
  before = buildVersionBefore();
});
afterAll(() => {
  rmSync(before, { recursive: true, force: true });
});

describe.each(['SQLite', 'MariaDB'])('on %s', (store) => {
  describe.skipIf(store === 'MariaDB' && !findMysqlServer())(
    'the version before, beside this one',
    () => {
      let server: MysqlServer | undefined;
      beforeAll(async () => {
        if (store === 'MariaDB') server = await startMysqlServer();
      });
      afterAll(() => server?.stop());

      async function databaseUrl(): Promise<string> {
        return server
          ? (await createMysqlDatabase(server.url)).url
          : `sqlite:${join(temporaryDirectory(), 'chat.sqlite')}`;
      }

      it('loses nothing, and reads every page of sessions with deleted messages', async () => {
        const { oldClient, client } = await startBoth(
          await databaseUrl(),
          before,
        );
        const clients = [oldClient, client];
        let shown = ['first', 'second', 'third'];
        const verify = async () => {
          for (const one of clients) expect(await one.texts()).toEqual(shown);
        };
        await verify();
        for (let round = 1; round <= ROUNDS; round++) {
          const turn = round % 2;
          const [a, b] = [clients[turn]!, clients[1 - turn]!];
          const ids = ['a', 'b', 'c', 'd'].map((name) => `${name}${round}`);
          await a.append(...ids.slice(0, 3));
          await b.append(ids[3]!);
          shown.push(...ids);

          const edited = shown.at(-2)!;
          const content = `${edited} edited`;
          await client.mustSend('PATCH', `/messages/${ids[2]}`, { content });
          shown[shown.indexOf(edited)] = content;
          await verify();

          // The first, one in the middle, or the last; a later round has other seqs.
          const deleted = [ids[0], ids[1], ids[3]][round % 3]!;
          await client.mustSend('DELETE', `/messages/${deleted}`);
          shown = shown.filter((text) => text !== deleted);
          await verify();
          for (const one of clients) {
            expect(await one.statusOf(deleted)).toBe(404);
            expect(await one.statusOf(ids[2]!)).toBe(200);
          }

          // Its id is free, in both versions.
          await b.append(deleted);
          shown.push(deleted);
          await verify();

          if (round % 4 === 0) {
            const [after] = shown;
            await client.mustSend('POST', '/messages/replace', {
              after_id: after,
              messages: messagesOf([ids[2]!, `e${round}`]),
              keep: false,
            });
            shown = [after!, ids[2]!, `e${round}`];
            await verify();
          }
          if (round % 7 === 0) {
            await a.clear();
            shown = [];
            await verify();
            await b.append(...ids);
            shown = [...ids];
          }
        }
      });

      it('shows all branches, and appends to the one that is shown', async () => {
        const { oldClient, client } = await startBoth(
          await databaseUrl(),
          before,
        );
        const [message] = messagesOf(['other']);
        const branch = { ...message, parent_id: 'first' };
        await client.mustSend('POST', '/messages', branch);
        expect(await client.texts()).toEqual(['first', 'other']);
        await oldClient.append('next');
        expect(await client.texts()).toEqual(['first', 'other', 'next']);
        expect(await oldClient.texts()).toEqual([
          'first',
          'second',
          'third',
          'other',
          'next',
        ]);
      });

      it('keeps its hands off forks that are not complete', async () => {
        const { old, current } = await startBoth(await databaseUrl(), before);
        const oldSessions = new LongSessions(old.url);
        const source = await oldSessions.create(FORKED, 10);
        const url = `${current.url}/api/chat-sessions`;
        for (let round = 0; round < 4; round++) {
          const cleared = await oldSessions.create(LONG, 10);
          const [fork, status] = await Promise.all([
            fetch(`${url}/${source}/fork`, JSON_REQUEST),
            // Its purger removes what it takes for removed.
            oldSessions.clear(cleared),
          ]);
          expect([fork.status, status]).toEqual([201, 200]);
          const { chat_session } = (await fork.json()) as {
            chat_session: { id: string };
          };
          const client = new Client(current.url, chat_session.id);
          expect(await client.texts(200)).toHaveLength(FORKED);
        }
      });

      it('reads every page while many messages are deleted', async () => {
        const { old, current } = await startBoth(await databaseUrl(), before);
        const id = await new LongSessions(current.url).create(LONG, 2_000);
        const oldClient = new Client(old.url, id);
        const client = new Client(current.url, id);
        await client.append('last');
        const { body } = await client.send<{ messages: Message[] }>(
          'GET',
          '/messages?after=1&limit=1',
        );
        const [second] = body.messages;
        const path = `/messages/${second!.id}?following=true`;
        await client.mustSend('DELETE', path);
        let texts: string[];
        do texts = await oldClient.texts();
        while (texts.length > 1);
        expect(await client.texts()).toEqual(texts);
        await oldClient.append('new');
        expect(await client.texts()).toEqual([...texts, 'new']);
      });
    },
  );
});
