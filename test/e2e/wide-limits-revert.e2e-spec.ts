import { expect, it } from 'vitest';
import {
  append,
  createSession,
  getPage,
  getSession,
  sendCreate,
} from '../support/api.js';
import { perStore } from '../support/stores.js';
import { useTestApp } from '../support/test-app.js';
import { undoMigrations } from '../support/test-database.js';

const api = useTestApp();

/** Reverts the migrations since the wider limits, and migrates again. */
async function revert(): Promise<void> {
  try {
    await undoMigrations(api.dataSource, 'WidenLimits');
  } finally {
    await api.dataSource.runMigrations();
  }
}

/** The declared type of a column, undefined if there is none. */
async function typeOf(table: string, column: string) {
  const runner = api.dataSource.createQueryRunner();
  try {
    const { columns } = (await runner.getTable(table))!;
    const found = columns.find(({ name }) => name === column);
    return found && `${found.type}(${found.length})`;
  } finally {
    await runner.release();
  }
}

it('a revert leaves the title wide on MySQL, where it would copy the table', async () => {
  await undoMigrations(api.dataSource, 'WidenLimits');
  try {
    expect(await typeOf('chat_messages', 'long_id')).toBeUndefined();
    expect(await typeOf('chat_sessions', 'title')).toBe(
      perStore({ sqlite: 'varchar(200)', mysql: 'varchar(255)' }),
    );
  } finally {
    await api.dataSource.runMigrations();
  }
  expect(await typeOf('chat_messages', 'long_id')).toBe('varchar(255)');
  expect(await typeOf('chat_sessions', 'title')).toBe('varchar(255)');
});

it('what fits into the columns of before survives a revert', async () => {
  const title = '😀'.repeat(200);
  const session = await createSession(api, { title });
  const message = { id: 'm.1:x y', role: 'user', content: 'x' };
  await append(api, session.id, message);
  await revert();
  expect(await getSession(api, session.id)).toMatchObject({ title });
  expect((await getPage(api, session.id)).messages).toMatchObject([message]);
});

it('a title that does not fit stops a revert, which changes nothing', async () => {
  const title = 'x'.repeat(201);
  const { body } = await sendCreate(api, { title });
  const { id } = body.chat_session;
  await expect(revert()).rejects.toThrow(
    `The migration cannot be undone: the chat session ${id} has a title of more than 200 characters`,
  );
  expect(await getSession(api, id)).toMatchObject({ title });
  await api.send('DELETE', `/api/chat-sessions/${id}`);
});

it.each(['x'.repeat(65), 'é'])(
  'the id %s, which does not fit, stops a revert',
  async (messageId) => {
    const { id } = await createSession(api);
    await append(api, id, { id: messageId, role: 'user', content: 'x' });
    await expect(revert()).rejects.toThrow(
      `The migration cannot be undone: the chat session ${id} has a message with an id that the version before cannot store`,
    );
    expect((await getPage(api, id)).messages).toMatchObject([
      { id: messageId },
    ]);
    await api.send('DELETE', `/api/chat-sessions/${id}`);
    await revert();
  },
);
