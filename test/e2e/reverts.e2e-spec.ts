import { afterEach, describe, expect, it, vi } from 'vitest';
import { ForkCopies } from '../../src/chat-sessions/forks/fork-copies.js';
import { ChatFork } from '../../src/chat-sessions/store/entities/chat-fork.entity.js';
import {
  append,
  createSession,
  getPage,
  getSession,
  sendFork,
  type Session,
} from '../support/api.js';
import { Branches } from '../support/branches.js';
import { Runs } from '../support/runs.js';
import { onMysql } from '../support/stores.js';
import { useTestApp } from '../support/test-app.js';
import { undoMigrations } from '../support/test-database.js';

const api = useTestApp();
/** One transaction would copy 2,000. */
const LONG = 2_100;

afterEach(() => vi.restoreAllMocks());

async function count(table: string): Promise<number> {
  const [row] = await api.dataSource.query<{ count: number | string }[]>(
    `SELECT COUNT(*) AS count FROM ${table}`,
  );
  return Number(row!.count);
}

async function fork(id: string): Promise<Session> {
  const { status, body } = await sendFork(api, id);
  expect(status).toBe(201);
  return body.chat_session;
}

/** A long fork as a process leaves it that is killed at the end. */
async function leaveFork(id: string): Promise<void> {
  const copies = api.app.get(ForkCopies);
  const killed = () => {
    throw new Error('killed');
  };
  vi.spyOn(copies, 'publish').mockImplementation(killed);
  vi.spyOn(copies, 'giveUp').mockImplementation(killed);
  expect((await sendFork(api, id)).status).toBe(500);
  vi.restoreAllMocks();
}

it('a revert of AddForks deletes a fork in progress, and keeps those that are complete', async () => {
  const { id } = await createSession(api, {}, LONG);
  const complete = await fork(id);
  const sessions = await count('chat_sessions');
  const messages = await count('chat_messages');
  await leaveFork(id);
  expect(await api.dataSource.getRepository(ChatFork).count()).toBe(1);
  expect(await count('chat_messages')).toBe(messages + LONG);

  await undoMigrations(api.dataSource, 'AddForks');
  try {
    expect(await count('chat_sessions')).toBe(sessions);
    expect(await count('chat_messages')).toBe(messages);
  } finally {
    await api.dataSource.runMigrations();
  }
  expect(await count('chat_forks')).toBe(0);
  const found = await getSession(api, complete.id);
  expect(found).toEqual({ ...complete, forked_from: undefined });
  expect(found.message_count).toBe(LONG);
  expect((await fork(complete.id)).message_count).toBe(LONG);
});

it('a revert of AddNewestIds loses nothing, and appends find the parent after another run', async () => {
  const { id: line } = await createSession(api);
  await append(api, line, { id: 'é1', role: 'user', content: 'x' });
  const { id: tree } = await createSession(api);
  const branches = new Branches(api, tree);
  await branches.append(['a', 'b', 'c']);
  await branches.append(['d'], 'a');
  const before = await Promise.all([line, tree].map((id) => getPage(api, id)));

  await undoMigrations(api.dataSource, 'AddNewestIds');
  await api.dataSource.runMigrations();
  expect(await Promise.all([line, tree].map((id) => getPage(api, id)))).toEqual(
    before,
  );
  const appended = await new Branches(api, line).append(['next']);
  expect(appended.body.messages).toMatchObject([{ parent_id: 'é1' }]);
  const below = await branches.append(['e']);
  expect(below.body.messages).toMatchObject([{ parent_id: 'd' }]);
  expect(await branches.ids()).toEqual(['a', 'd', 'e']);
});

describe('a revert of AddRuns', () => {
  const TOOL = { type: 'tool_call', id: '1' };
  const LONG_TEXT = 'One large mocha \u{1f600}'.repeat(200);

  afterEach(async () => {
    await api.dataSource.runMigrations();
  });

  /** An answer that is being written, of these outputs. */
  async function open(...outputs: (string | object[])[]) {
    const { id } = await createSession(api);
    const runs = new Runs(api, id);
    const question = { id: 'q', role: 'user', content: 'A mocha?' };
    await runs.started({ id: 'r', message_id: 'a', messages: [question] });
    let offset = 0;
    for (const output of outputs) {
      const { status } = await runs.output('r', offset, output);
      expect(status).toBe(200);
      offset += output.length;
    }
    return { id, runs };
  }

  it.each<[string, (string | object[])[], object]>([
    ['nothing', [], { content: '', parts: [] }],
    ['a text', ['One ', 'mocha'], { content: 'One mocha', parts: null }],
    [
      'a text in chunks',
      [LONG_TEXT, '!'],
      { content: `${LONG_TEXT}!`, parts: null },
    ],
    [
      'parts between texts',
      ['Let me ', 'see.', [TOOL], [TOOL], 'Done.'],
      {
        content: 'Let me see.\nDone.',
        parts: [
          { type: 'text', text: 'Let me see.' },
          TOOL,
          TOOL,
          { type: 'text', text: 'Done.' },
        ],
      },
    ],
    ['parts only', [[TOOL]], { content: '', parts: [TOOL] }],
    ['half a pair', ['\ud83d'], { content: '\ufffd', parts: null }],
    ['white space', ['\n'], { content: '\n', parts: [] }],
  ])('keeps %s of an open answer', async (_, outputs, expected) => {
    const { id } = await open(...outputs);
    const ofVersionBefore = 'SELECT content, parts FROM chat_messages';
    await undoMigrations(api.dataSource, 'AddRuns');
    const rows = await api.dataSource.query<
      { content: string; parts: string | null }[]
    >(`${ofVersionBefore} WHERE session_id = '${id}' AND seq = 2`);
    const [row] = rows;
    expect({ ...row, parts: JSON.parse(row!.parts ?? 'null') }).toEqual(
      expected,
    );

    await api.dataSource.runMigrations();
    const { messages, active_run } = await getSession(api, id);
    expect(active_run).toBeUndefined();
    expect(messages[1]).toMatchObject({ id: 'a', ...expected });
    const after = new Runs(api, id);
    expect((await after.output('r', 0, 'x')).status).toBe(404);
    await after.started({ id: 'r' });
    expect((await after.output('r', 0, 'x')).status).toBe(200);
  });

  it('keeps numbers of parts as they were sent, and the size of the answer', async () => {
    const { id } = await createSession(api);
    const runs = new Runs(api, id);
    await runs.started({ id: 'r' });
    const bodyOf = (offset: number, parts: string) =>
      `{"fence":1,"offset":${offset},"parts":${parts}}`;
    const path = `/api/chat-sessions/${id}/runs/r/output`;
    const part = '{"type":"x","n":12345678901234567890,"f":1.0}';
    for (const offset of [0, 1]) {
      const { status } = await api.send(
        'POST',
        path,
        bodyOf(offset, `[${part}]`),
      );
      expect(status).toBe(200);
    }
    await undoMigrations(api.dataSource, 'AddRuns');
    const [row] = await api.dataSource.query<
      { parts: string; bytes: number; most: number }[]
    >(
      `SELECT m.parts, m.bytes, s.max_message_bytes AS most FROM chat_messages m
       JOIN chat_sessions s ON s.id = m.session_id WHERE s.id = '${id}'`,
    );
    expect(row!.parts).toBe(`[${part},${part}]`);
    expect(row!.bytes).toBeGreaterThan(2 * part.length);
    expect(row!.most).toBe(row!.bytes);
  });

  it('keeps what has ended as it is', async () => {
    const { id, runs } = await open('One mocha');
    await runs.finish('r', { content: 'Two', usage: { input_tokens: 3 } });
    await undoMigrations(api.dataSource, 'AddRuns');
    await api.dataSource.runMigrations();
    const { messages, usage } = await getSession(api, id);
    expect(messages[1]).toMatchObject({ content: 'Two', parts: null });
    expect(usage).toBeUndefined();
  });

  onMysql.describe('that was killed', () => {
    it('after it dropped a table can run again', async () => {
      const { id } = await open(LONG_TEXT);
      await api.dataSource.query('DROP TABLE chat_message_chunks');
      await undoMigrations(api.dataSource, 'AddRuns');
      await api.dataSource.runMigrations();
      expect((await getSession(api, id)).message_count).toBe(2);
    });
  });
});
