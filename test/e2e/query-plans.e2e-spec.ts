import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { Purger } from '../../src/chat-sessions/removal/purger.js';
import { RangePurger } from '../../src/chat-sessions/removal/range-purger.js';
import { ChatRangePurge } from '../../src/chat-sessions/store/entities/chat-range-purge.entity.js';
import { IdempotencySweeper } from '../../src/chat-sessions/writes/idempotency/idempotency-sweeper.js';
import { Database } from '../../src/database/database.js';
import { apiRequests } from '../support/api-requests.js';
import { createSession, getPage } from '../support/api.js';
import { Branches } from '../support/branches.js';
import { recordUnits } from '../support/recorded-statements.js';
import { perStore, STORE } from '../support/stores.js';
import { useTestApp } from '../support/test-app.js';
import { sqliteConnectionOf } from '../support/test-database.js';

/** The first session of the many. It has half of the messages. */
const LONG_SESSION = '00000000-0000-7000-8000-000000000000';

const api = useTestApp();

type Row = Record<string, unknown>;

interface Dialect {
  /** Runs a statement past the service. */
  run: (sql: string, parameters?: unknown[]) => Promise<Row[]>;
  quote: string;
  /** An expression: the prefix and twelve digits of a number. */
  text: (prefix: string, number: string) => string;
  analyze: string;
  explain: string;
  /** One line for a row of a plan. */
  step: (row: Row) => string;
  /** Matches the name of an index in a step. */
  index: RegExp;
  /** Matches a step that reads a whole table or index, sorts, or needs a temporary table. */
  fault: RegExp;
  /** Indexes that no statement is expected to use. */
  unused: string[];
}

const DIALECT = perStore<Dialect>({
  sqlite: {
    run: async (sql, parameters = []) => {
      const statement = sqliteConnectionOf(api.dataSource).prepare(sql);
      const values = parameters.map(sqliteValue);
      if (statement.reader) return statement.all(...values) as Row[];
      statement.run(...values);
      return [];
    },
    quote: '"',
    text: (prefix, number) => `printf('${prefix}%012d', ${number})`,
    analyze: 'ANALYZE',
    explain: 'EXPLAIN QUERY PLAN',
    step: ({ detail }) => String(detail),
    index: /INDEX (\S+)/,
    fault: /^SCAN |TEMP B-TREE/,
    unused: [],
  },
  mysql: {
    run: (sql, parameters) => api.dataSource.query(sql, parameters),
    quote: '`',
    text: (prefix, number) => `CONCAT('${prefix}', LPAD(${number}, 12, '0'))`,
    analyze: 'ANALYZE TABLE',
    explain: 'EXPLAIN',
    step: ({ type, key, Extra }) => [type, key, Extra].map(String).join(' '),
    index: /^\S+ (\S+)/,
    fault: /^(ALL|index|index_merge) |filesort|temporary/,
    // Sessions are locked by their primary key. This index keeps ids unique among all owners, and messages refer to it.
    unused: ['uq_chat_sessions_id'],
  },
});
const { run, text } = DIALECT;

function sqliteValue(value: unknown) {
  if (value instanceof Date) return value.toISOString();
  return typeof value === 'boolean' ? Number(value) : value;
}

const DIGITS = Array.from({ length: 10 }, (_, digit) => `SELECT ${digit} AS d`);
const DIGIT = `(${DIGITS.join(' UNION ALL ')})`;
/** The numbers from 0 to 99,999, as `i`. */
const NUMBERS = `(SELECT a.d + 10 * b.d + 100 * c.d + 1000 * e.d + 10000 * f.d AS i
  FROM ${DIGIT} a, ${DIGIT} b, ${DIGIT} c, ${DIGIT} e, ${DIGIT} f) numbers`;
const TIME = "'2026-01-01 00:00:00.000'";

function fill(
  table: string,
  columns: Record<string, string>,
): Promise<unknown> {
  const { quote } = DIALECT;
  const names = Object.keys(columns).map((name) => quote + name + quote);
  const values = Object.values(columns).join();
  return run(
    `INSERT INTO ${table} (${names.join()}) SELECT ${values} FROM ${NUMBERS}`,
  );
}

async function fillTables(): Promise<void> {
  const session = text('00000000-0000-7000-8000-', 'i');
  const owner = `CASE WHEN i < 1000 THEN 'local' ELSE ${text('owner ', 'i % 100')} END`;
  await fill('chat_sessions', {
    id: session,
    owner_id: owner,
    document_id: text('doc-', 'i % 100'),
    section_id: text('sec-', 'i'),
    context_documents: "'[]'",
    config: "'{}'",
    metadata: "'{}'",
    pinned: 'i % 7 = 0',
    archived: 'i % 3 = 0',
    message_count: 'CASE WHEN i = 0 THEN 50000 ELSE 1 END',
    last_seq: 'CASE WHEN i = 0 THEN 50000 ELSE 1 END',
    max_message_bytes: 'CASE WHEN i = 0 THEN 1000000 ELSE 100 END',
    last_activity_at: TIME,
    version: '1',
    created_at: TIME,
    updated_at: TIME,
  });
  await fill('chat_messages', {
    session_id: `CASE WHEN i < 50000 THEN '${LONG_SESSION}' ELSE ${session} END`,
    seq: 'CASE WHEN i < 50000 THEN i + 1 ELSE 1 END',
    id: text('m-', 'i'),
    owner_id: `CASE WHEN i < 50000 THEN 'local' ELSE ${owner} END`,
    role: "'user'",
    content: "'Hello'",
    references: "'[]'",
    metadata: "'{}'",
    bytes: '100',
    created_at: TIME,
  });
  await fill('chat_runs', {
    session_id: `CASE WHEN i < 50000 THEN '${LONG_SESSION}' ELSE ${session} END`,
    seq: 'CASE WHEN i < 50000 THEN i + 1 ELSE 1 END',
    id: text('run-', 'i'),
    owner_id: `CASE WHEN i < 50000 THEN 'local' ELSE ${owner} END`,
    message_id: text('m-', 'i'),
    question_count: '1',
    status: "'completed'",
    fence: '1',
    lease_seconds: '30',
    end_offset: '0',
    tail: `'""'`,
    text_bytes: '0',
    bytes: '0',
    part_count: '0',
    metadata: "'{}'",
    started_at: TIME,
  });
  await fill('idempotency_keys', {
    owner_id: owner,
    idempotency_key: text('key-', 'i'),
    request_hash: "''",
    status: '201',
    session_id: session,
    message_ids: "'[]'",
    // 300 keys are old enough for the sweep.
    created_at: `CASE WHEN i < 300 THEN ${TIME} ELSE '2999-01-01 00:00:00.000' END`,
  });
  for (const table of [
    'chat_sessions',
    'chat_messages',
    'chat_runs',
    'idempotency_keys',
  ]) {
    await run(`${DIALECT.analyze} ${table}`);
  }
}

/** Sends every kind of request that leads to a statement of its own. */
async function useEverything(): Promise<void> {
  const long = `/api/chat-sessions/${LONG_SESSION}`;
  const message = { id: 'mine', role: 'user', content: 'Hello' };
  const key = { 'idempotency-key': 'one' };
  for (let times = 0; times < 2; times++) {
    await api.send('POST', '/api/chat-sessions', { messages: [message] }, key);
    await api.send('POST', `${long}/messages`, message);
    await api.send('POST', `${long}/messages`, message, {
      'idempotency-key': 'two',
    });
  }
  const messages = [
    { ...message, id: 'a' },
    { ...message, id: 'b' },
  ];
  await api.send('POST', `${long}/messages`, { messages });
  for (const query of ['limit=20', 'before=25000', 'around=25000&limit=200']) {
    await getPage(api, LONG_SESSION, query);
  }
  // From here on, appends need no title.
  await api.send('PATCH', long, { title: 'Long' });
  await branchOff();
  await api.send('GET', long, undefined, { 'if-none-match': '"1-1"' });
  for (const filter of [
    '',
    'pinned=true',
    'archived=true',
    'document_id=doc-000000000001',
    'document_id=doc-000000000001&pinned=false',
    'document_id=doc-000000000001&section_id=sec-000000000001',
  ]) {
    const path = `/api/chat-sessions?limit=5&${filter}`;
    const { body } = await api.send<{ next_cursor: string | null }>(
      'GET',
      path,
    );
    if (body.next_cursor)
      await api.send('GET', `${path}&cursor=${body.next_cursor}`);
  }
  const { id } = await createSession(api, { title: 'Mine' }, 1);
  for (const request of apiRequests(id, message.id)) {
    await api.send(request.method, request.path, request.body);
  }
  await api.app.get(IdempotencySweeper).run();
  // Long enough to be removed in batches.
  const purger = api.app.get(Purger);
  vi.spyOn(purger, 'wake').mockImplementation(() => undefined);
  const rangePurger = api.app.get(RangePurger);
  vi.spyOn(rangePurger, 'wake').mockImplementation(() => undefined);
  const deleted = { ...message, id: 'm-000000045000' };
  const path = `${long}/messages/${deleted.id}?following=true`;
  expect((await api.send('DELETE', path)).status).toBe(204);
  await api.send('POST', `${long}/messages`, deleted);
  // Blanks the rows, and then removes them.
  for (let runs = 0; runs < 2; runs++) {
    await rangePurger.run();
    await api.dataSource
      .getRepository(ChatRangePurge)
      .update({ sessionId: LONG_SESSION }, { dueAt: new Date() });
  }
  await api.send('POST', `${long}/clear`);
  await api.send('POST', `${long}/messages`, message);
  await api.send('DELETE', long);
  await purger.run();
  // The plan of a row that is gone names no index.
  const kept = await createSession(api);
  for (let times = 0; times < 2; times++) {
    const path = `/api/chat-sessions/${kept.id}/messages`;
    await api.send('POST', path, message);
  }
  const runs = `/api/chat-sessions/${kept.id}/runs`;
  await api.send('POST', runs, { id: 'r' });
  await api.send('GET', `${runs}/r`);
}

/** Reads pages of several ranges of the long session, which then shows its line again. */
async function branchOff(): Promise<void> {
  const branches = new Branches(api, LONG_SESSION);
  for (const seq of [25_000, 24_990]) {
    const parent = `m-${String(seq - 1).padStart(12, '0')}`;
    await branches.append([`branch ${seq}`], parent);
    for (const query of [
      'before=60000&limit=20',
      `around=${seq}&limit=200`,
      'leaf=b&limit=20',
      'tree=true&limit=20',
      'tree=true&around=50000&limit=200',
    ]) {
      await getPage(api, LONG_SESSION, query);
    }
    expect(await branches.ids()).toContain(`branch ${seq}`);
  }
  expect((await branches.goTo('b')).status).toBe(200);
}

interface Plan {
  sql: string;
  steps: string[];
  /** Names of the indexes in use. */
  indexes: string[];
  faults: string[];
}

/** Ends at the first row of an index, which plans show as a scan of it. */
const FIRST_OF_INDEX = /[`"]purge[`"] ORDER BY .* LIMIT 1$/;

async function planOf(sql: string, parameters: unknown[]): Promise<Plan> {
  const { explain, step, index, fault } = DIALECT;
  const rows = await run(`${explain} ${sql}`, parameters);
  const steps = rows.map(step);
  return {
    sql,
    steps,
    indexes: steps.flatMap((one) => index.exec(one)?.[1] ?? []),
    faults:
      sql.startsWith('INSERT') || FIRST_OF_INDEX.test(sql)
        ? []
        : steps.filter((one) => fault.test(one)),
  };
}

describe('with 100,000 sessions, messages and keys', () => {
  let plans: Plan[];

  beforeAll(async () => {
    await fillTables();
    const units = recordUnits(api.app.get(Database));
    await useEverything();
    const used = new Map(units.flatMap(({ statements }) => statements));
    plans = [];
    for (const [sql, parameters] of used) {
      plans.push(await planOf(sql, parameters));
    }
  });

  it('no statement reads a whole table or index, sorts, or needs a temporary table', () => {
    expect(plans.length).toBeGreaterThan(20);
    const pages = plans.filter(({ sql }) => /seq[`"] IN \(/.test(sql));
    expect(pages.length).toBeGreaterThan(4);
    expect(plans.filter(({ faults }) => faults.length > 0)).toEqual([]);
  });

  it('every statement is one that docs show', async () => {
    const file = `../../docs/statements.${STORE}.sql`;
    // TypeORM writes numbers into the statements of SQLite. Lists have any length.
    const general = (sql: string) =>
      sql.replace(/\b\d+\b/g, '?').replace(/\?(, \?)+/g, '?');
    const text = await readFile(resolve(import.meta.dirname, file), 'utf8');
    const shown = general(text);
    const others = plans.filter(
      ({ sql }) => !shown.includes(`\n${general(sql)};`),
    );
    expect(others.map(({ sql }) => sql)).toEqual([]);
  });

  it('statements use every index', () => {
    const used = new Set(plans.flatMap(({ indexes }) => indexes));
    const indexes = api.dataSource.entityMetadatas.flatMap(({ indices }) =>
      indices.map(({ name }) => name),
    );
    const unused = indexes.filter((name) => !used.has(name));
    expect(unused).toEqual(DIALECT.unused);
  });
});
