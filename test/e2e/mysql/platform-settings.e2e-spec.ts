import { describe, expect, it, onTestFinished } from 'vitest';
import { DEFAULTS } from '../../../src/chat-sessions/options.js';
import type { ChatSessionsOptions } from '../../../src/index.js';
import type { Session } from '../../support/api.js';
import {
  create,
  dataSourceWith,
  platform,
} from '../../support/embedding/platform.js';
import { connectMysql } from '../../support/mysql-connection.js';
import { createMysqlDatabase } from '../../support/mysql-database.js';
import { startMysqlServer } from '../../support/mysql-server.js';
import { RecordingLogger } from '../../support/recording-logger.js';
import { useTestDatabase } from '../../support/test-database.js';

const database = useTestDatabase();

async function start(
  setting: string,
  {
    on = database,
    deadlineMs = DEFAULTS.deadlineMs,
    ...options
  }: Partial<ChatSessionsOptions> & { on?: typeof database } = {},
) {
  const logger = new RecordingLogger();
  const dataSource = dataSourceWith(setting, on);
  const app = await create(
    platform(dataSource, { deadlineMs, ...options }),
    undefined,
    {
      logger,
    },
  );
  onTestFinished(() => app.close());
  return { app, warnings: logger.warnings };
}

describe('the start of a platform', () => {
  it.each([
    [
      'innodb_lock_wait_timeout = 50',
      'A request that waits for a locked row fails at its deadline of 5000 ms, and its connection is lost: innodb_lock_wait_timeout is 50 s',
    ],
    [
      'max_statement_time = 2.5, innodb_lock_wait_timeout = 1',
      'The server ends statements before the deadline of 5000 ms: max_statement_time is 2.500000',
    ],
  ])('warns about SET %s', async (setting, warning) => {
    const { warnings } = await start(setting);
    expect(warnings).toEqual([warning]);
  });

  it('does not warn about settings that harm no request', async () => {
    const { warnings } = await start(
      'max_statement_time = 10, innodb_lock_wait_timeout = 1',
    );
    expect(warnings).toEqual([]);
  });

  it('warns about a max_allowed_packet that is too small for a text of the largest size', async () => {
    const server = await startMysqlServer({
      options: ['--max-allowed-packet=2M', '--innodb-lock-wait-timeout=1'],
    });
    onTestFinished(() => server.stop());
    const on = await createMysqlDatabase(server.url);
    const { warnings } = await start('autocommit = 1', { on });
    expect(warnings).toEqual([
      'Messages of the largest size may get 413: max_allowed_packet is 2097152, less than 4325376',
    ]);
  });
});

it('a statement that the server ends is repeated until the deadline', async () => {
  const { app } = await start('max_statement_time = 0.2', {
    deadlineMs: 1_500,
  });
  await app.listen(0, '127.0.0.1');
  const url = `${await app.getUrl()}/chat-sessions`;
  const post = async (path: string, body: object) => {
    const headers = {
      'x-user-id': 'alice',
      'content-type': 'application/json',
    };
    return fetch(url + path, {
      method: 'POST',
      headers,
      body: JSON.stringify(body),
    });
  };
  const created = (await (await post('', {})).json()) as {
    chat_session: Session;
  };
  const { id } = created.chat_session;
  const stranger = await connectMysql(database.url);
  onTestFinished(() => stranger.destroy());
  await stranger.query('BEGIN');
  await stranger.query('SELECT 1 FROM chat_sessions WHERE id = ? FOR UPDATE', [
    id,
  ]);
  const message = { role: 'user', content: 'Hello' };
  const late = await post(`/${id}/messages`, message);
  expect([late.status, await late.json()]).toMatchObject([
    503,
    { code: 'store_timeout' },
  ]);
  const waiting = post(`/${id}/messages`, message);
  await stranger.query('SELECT SLEEP(0.5)');
  await stranger.query('ROLLBACK');
  expect((await waiting).status).toBe(201);
});
