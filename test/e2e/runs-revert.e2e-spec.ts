import { expect, it } from 'vitest';
import { createSession } from '../support/api.js';
import { Runs } from '../support/runs.js';
import { useTestApp } from '../support/test-app.js';
import { undoMigrations } from '../support/test-database.js';

const api = useTestApp();

it('a version without runs has what was written of each answer', async () => {
  const text = `${'0123456789'.repeat(250)}😀`;
  const part = { type: 'x' };
  const contents: (string | object[])[] = [text, [part], text.slice(0, -1)];
  const sessions = await Promise.all(
    [contents, [text, text], []].map(async (outputs) => {
      const { id } = await createSession(api);
      const runs = new Runs(api, id);
      await runs.started({ id: 'r' });
      let offset = 0;
      for (const output of outputs) {
        expect((await runs.output('r', offset, output)).status).toBe(200);
        offset += output.length;
      }
      return id;
    }),
  );
  await undoMigrations(api.dataSource, 'AddRuns');
  const rows = [];
  for (const id of sessions) {
    const [row] = await api.dataSource.query<
      { content: string; parts: string | null }[]
    >(`SELECT content, parts FROM chat_messages WHERE session_id = '${id}'`);
    rows.push(row);
  }
  const cut = text.slice(0, -1).toWellFormed();
  expect(rows).toEqual([
    {
      content: `${text}\n${cut}`,
      parts: JSON.stringify([
        { type: 'text', text },
        part,
        { type: 'text', text: cut },
      ]),
    },
    { content: text + text, parts: null },
    { content: '', parts: '[]' },
  ]);
});
