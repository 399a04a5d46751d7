import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Session } from '../support/api.js';
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
/** The old instance removes many messages in the background. */
const PATIENT = { timeout: 60_000 };

/** The writer of the run `r`. */
class RunClient {
  private offset = 0;

  constructor(private readonly client: Client) {}

  async start(body: object = {}): Promise<void> {
    this.offset = 0;
    const messages = messagesOf(['q']);
    const run = { id: 'r', message_id: 'a', messages, ...body };
    await this.client.mustSend('POST', '/runs', run);
  }

  async output(text: string): Promise<void> {
    const body = { fence: 1, offset: this.offset, text };
    await this.client.mustSend('POST', '/runs/r/output', body);
    this.offset += text.length;
  }

  finish(): Promise<void> {
    const body = { fence: 1, status: 'completed' };
    return this.client.mustSend('POST', '/runs/r/finish', body);
  }

  async statusOf(action: keyof typeof BODIES, run = 'r'): Promise<number> {
    const path = `/runs/${run}/${action}`;
    return (await this.client.send('POST', path, BODIES[action])).status;
  }
}

const BODIES = {
  output: { fence: 1, offset: 0, text: '' },
  finish: { fence: 1, status: 'completed' },
  cancel: {},
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
    'the version before, beside a run of this one',
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

      it('appends and reads beside an answer that is being written', async () => {
        const { oldClient, client } = await startBoth(
          await databaseUrl(),
          before,
        );
        const run = new RunClient(client);
        await run.start();
        await run.output('One ');
        const shown = ['first', 'second', 'third', 'q'];
        expect(await oldClient.texts()).toEqual(shown);
        expect(await client.texts()).toEqual([...shown, 'One ']);
        await oldClient.append('x', 'y');
        expect(await oldClient.texts()).toEqual([...shown, 'x', 'y']);
        expect(await client.texts()).toEqual([...shown, 'One ', 'x', 'y']);
        await run.output('mocha');
        await run.finish();
        await oldClient.append('z');
        for (const one of [oldClient, client]) {
          const texts = [...shown, 'One mocha', 'x', 'y', 'z'];
          expect(await one.texts()).toEqual(texts);
        }
        await run.start({ id: 's', message_id: 'b', messages: [] });
        await oldClient.append('last');
        expect(await run.statusOf('output', 's')).toBe(200);
        expect(await run.statusOf('cancel', 's')).toBe(200);
        await client.append('after');
        expect((await oldClient.texts()).slice(-2)).toEqual(['last', 'after']);
      });

      it.each([0, LONG])(
        'clears a session of %i messages more in which an answer is being written',
        async (count) => {
          const { id, old, oldClient, client } = await startBoth(
            await databaseUrl(),
            before,
          );
          for (let left = count; left > 0; left -= 100) {
            await new LongSessions(old.url).append(id, 100, 1);
          }
          const run = new RunClient(client);
          await run.start();
          await run.output('One ');
          await oldClient.clear();
          for (const one of [oldClient, client]) {
            expect(await one.texts()).toEqual([]);
          }
          const { body } = await client.send<{ chat_session: Session }>(
            'GET',
            '',
          );
          expect(body.chat_session.active_run).toBeUndefined();
          for (const action of ['finish', 'cancel'] as const) {
            expect(await run.statusOf(action)).toBe(404);
          }
          await client.append('next');
          await expect.poll(() => run.statusOf('output'), PATIENT).toBe(404);
          await run.start();
          await oldClient.append('beside');
          await run.output('Two');
          await run.finish();
          for (const one of [oldClient, client]) {
            expect(await one.texts()).toEqual(['next', 'q', 'Two', 'beside']);
          }
        },
      );

      it.each([0, LONG])(
        'deletes a session of %i messages more in which an answer is being written',
        async (count) => {
          const { id, old, client } = await startBoth(
            await databaseUrl(),
            before,
          );
          for (let left = count; left > 0; left -= 100) {
            await new LongSessions(old.url).append(id, 100, 1);
          }
          const run = new RunClient(client);
          await run.start();
          await run.output('One ');
          expect(await new LongSessions(old.url).delete(id)).toBe(204);
          for (const action of ['finish', 'cancel'] as const) {
            expect(await run.statusOf(action)).toBe(404);
          }
          expect((await client.send('GET', '')).status).toBe(404);
          await expect.poll(() => run.statusOf('output'), PATIENT).toBe(404);
        },
      );
    },
  );
});
