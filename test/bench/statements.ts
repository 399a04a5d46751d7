/**
 * `npx tsx test/bench/statements.ts`: processor time of the service's process
 * and of the database for the five optimisations of src/database, each beside
 * its plain form, for the check of a cached response with and without the
 * revision in its ETag, for a page with and without the id of a parent, and for
 * a lock with the id of the newest message in its row or from a subquery, in
 * rounds that alternate. Needs MariaDB or MySQL; takes some minutes.
 * `--only revision` runs only the comparisons with this word in their names.
 */
import mysql from 'mysql2';
import { parseArgs } from 'node:util';
import 'reflect-metadata';
import { Between, type ColumnType, DataSource } from 'typeorm';
import { Config } from '../../src/app/config/config.js';
import { openDataSource } from '../../src/app/database/data-source.js';
import { chatSessionsEntities } from '../../src/chat-sessions/entities.js';
import { LIMITS } from '../../src/chat-sessions/limits.js';
import { newMessages } from '../../src/chat-sessions/messages/message-rules.js';
import { newSession } from '../../src/chat-sessions/sessions/session-rules.js';
import { STATE } from '../../src/chat-sessions/store/chat-sessions.repository.js';
import { ChatMessage } from '../../src/chat-sessions/store/entities/chat-message.entity.js';
import { ChatSession } from '../../src/chat-sessions/store/entities/chat-session.entity.js';
import {
  idOf,
  selectMessages,
} from '../../src/chat-sessions/store/message-ids.js';
import { entityTagOf } from '../../src/chat-sessions/writes/entity-tag.js';
import type { Database } from '../../src/database/database.js';
import { openDatabase } from '../../src/database/open-database.js';
import {
  cachedSelect,
  select,
  selectFrom,
  Table,
} from '../../src/database/statements.js';
import {
  COMMIT,
  execute,
  type UnitOfWork,
} from '../../src/database/unit-of-work.js';
import { createMysqlDatabase } from '../support/mysql-database.js';
import { startMysqlServer } from '../support/mysql-server.js';
import { processorTime } from './processor-time.js';
import { ratioOf, spreadOf } from './statistics.js';

const { only = '' } = parseArgs({
  options: { only: { type: 'string' } },
}).values;
const ROUNDS = 25;
const RUNS = 1_000;
const PAGE = 50;
const OPENING = {
  entities: chatSessionsEntities,
  name: 'default',
  deadlineMs: 20_000,
  textBytes: LIMITS.contentBytes,
};

const server = await startMysqlServer();
const { url } = await createMysqlDatabase(server.url);
const dataSource = await openDataSource(
  Object.assign(new Config(), { DATABASE_URL: url, DATABASE_MIGRATE: true }),
);
const database = await openDatabase(dataSource, OPENING);
/** Like `dataSource`, but its connections take one statement at a time. */
const plainSource = await new DataSource({
  type: 'mysql',
  url,
  charset: 'utf8mb4',
  timezone: 'Z',
  entities: chatSessionsEntities,
}).initialize();
const plainDatabase = await openDatabase(plainSource, OPENING);
const connection = mysql.createConnection({ uri: url, timezone: 'Z' });
const sessions = dataSource.getRepository(ChatSession);
const messages = dataSource.getRepository(ChatMessage);
const sessionTable = new Table(sessions);
const messageTable = new Table(messages);

const now = new Date();
const session = newSession('alice', { title: 'Bench' }, now);
/** The session that `append` adds to. */
const growing = newSession('alice', { title: 'Growing' }, now);
const content = 'How does a conversation stay in order? '.repeat(8);
const inputs = Array(PAGE).fill({ role: 'user', content });
await database.write(function* () {
  yield* execute(
    sessionTable.insert([session, growing]),
    messageTable.insert(newMessages(session, inputs, { now, parentId: null })),
    sessionTable.update(
      { ownerId: session.ownerId, id: session.id },
      { messageCount: PAGE, lastSeq: PAGE },
    ),
  );
});

type Key = Pick<ChatSession, 'ownerId' | 'id'>;
const key: Key = { ownerId: session.ownerId, id: session.id };
const byKey = (values: Key) => selectFrom(sessions, 'session').where(values);
const cached = cachedSelect(byKey);
const locked = cachedSelect((values: Key) => database.forUpdate(byKey(values)));
const versionWith = (...more: 'revision'[]) =>
  cachedSelect((values: Key) =>
    selectFrom(sessions, 'session', ['createdAt', 'version', ...more]).where(
      values,
    ),
  );
const [version, versionAlone] = [versionWith('revision'), versionWith()];
const page = cachedSelect((values: { sessionId: string }) =>
  selectMessages(messages).where(values),
);

type Page = Record<'sessionId' | 'ownerId', string> &
  Record<'from' | 'to', number>;
const pageKey = { sessionId: session.id, ownerId: session.ownerId };
const pageOf = ({ from, to, ...of }: Page) =>
  selectFrom(messages, 'message')
    .where({ ...of, seq: Between(from, to) })
    .orderBy('message.seq');
const firstPage = cachedSelect(pageOf);
const pageWithParent = cachedSelect(
  ({ parentSeq, ...of }: Page & { parentSeq: number }) =>
    pageOf(of)
      .addSelect(
        (one) =>
          one
            .select('parent.id')
            .from(ChatMessage, 'parent')
            .where('parent.sessionId = :sessionId')
            .andWhere('parent.seq = :parentSeq'),
        'relatedId',
      )
      .setParameters({ sessionId: of.sessionId, parentSeq }),
);
const stateOf = (of: Key, columns: readonly (keyof ChatSession)[]) =>
  selectFrom(sessions, 'session', columns).where(of);
const lockedState = cachedSelect((of: Key) =>
  database.forUpdate(stateOf(of, STATE)),
);
const OTHERS = STATE.filter((name) => !name.startsWith('newest'));
const lockedWithSubquery = cachedSelect((of: Key) =>
  database.forUpdate(
    stateOf(of, OTHERS).addSelect(
      (one) =>
        one
          .select(idOf('newest'))
          .from(ChatMessage, 'newest')
          .where('newest.sessionId = session.id')
          .andWhere('newest.seq = session.lastSeq'),
      'newestId',
    ),
  ),
);

/** Runs the statements of an append. */
function append(on: Database, last = [COMMIT]): Promise<void> {
  const [message] = newMessages(growing, inputs.slice(0, 1), {
    now,
    parentId: null,
  });
  growing.lastSeq++;
  const { ownerId, id, lastSeq } = growing;
  return on.write(function* () {
    yield* locked({ ownerId, id });
    yield* execute(
      messageTable.insert([message!]),
      sessionTable.update({ ownerId, id }, { lastSeq }),
      ...last,
    );
  });
}

interface Cost {
  own: number;
  database: number;
}

/** Microseconds of processor time of a run, in this process and in the database. */
async function cost(run: () => Promise<unknown>): Promise<Cost> {
  const databaseMs = await processorTime(server.pid);
  const before = process.cpuUsage();
  for (let i = 0; i < RUNS; i++) await run();
  const { user, system } = process.cpuUsage(before);
  const spentMs = (await processorTime(server.pid)) - databaseMs;
  return { own: (user + system) / RUNS, database: (spentMs * 1_000) / RUNS };
}

async function compare(
  name: string,
  optimised: () => Promise<unknown>,
  plain: () => Promise<unknown>,
): Promise<void> {
  if (!name.includes(only)) return;
  await cost(optimised);
  await cost(plain);
  const costs = { optimised: [] as Cost[], plain: [] as Cost[] };
  for (let round = 0; round < ROUNDS; round++) {
    costs.optimised.push(await cost(optimised));
    costs.plain.push(await cost(plain));
  }
  const own = (side: keyof typeof costs) => costs[side].map((one) => one.own);
  const ratio = ratioOf(own('plain'), own('optimised')).median.toFixed(3);
  const text = (side: keyof typeof costs) => {
    const { median, min } = spreadOf(own(side));
    return `${median.toFixed(0)} µs (at least ${min.toFixed(1)})`;
  };
  // The mean: the clock of /proc ticks in 10 ms.
  const ofDatabase = (side: keyof typeof costs) =>
    costs[side].reduce((sum, one) => sum + one.database, 0) / ROUNDS;
  const [less, more] = [ofDatabase('optimised'), ofDatabase('plain')];
  console.log(
    `${name}: ${text('optimised')}, plain ${text('plain')}: x ${ratio}; of the database ${less.toFixed(1)} µs, plain ${more.toFixed(1)} µs: x ${(more / less).toFixed(3)}`,
  );
}

function ping(statement: string | mysql.QueryOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    connection.query(statement as mysql.QueryOptions, [1], (error) =>
      error ? reject(error) : resolve(),
    );
  });
}

/** Reads that run at the same time, as those of a busy service do. */
const tenOf = (work: () => UnitOfWork<string>) =>
  Promise.all(Array.from({ length: 10 }, () => database.read(work)));

/** The work that a cached response to GET of a session waits for. */
function* check(): UnitOfWork<string> {
  const [row] = yield* version(key);
  return entityTagOf(row!);
}

function* checkWithoutRevision(): UnitOfWork<string> {
  const [row] = yield* versionAlone(key);
  return entityTagOf(Object.assign(row!, { revision: '' }));
}

/** A page of messages, and for the plain form what TypeORM would look at in vain. */
function* messagePage(converted: ColumnType[]): UnitOfWork<void> {
  const rows = yield* page({ sessionId: session.id });
  for (const column of messages.metadata.columns) {
    if (!converted.includes(column.type) || column.transformer) continue;
    for (const row of rows) {
      dataSource.driver.prepareHydratedValue(
        row[column.propertyName as keyof ChatMessage],
        column,
      );
    }
  }
}

await compare(
  'a read by key, its text cached',
  () => database.read(() => cached(key)),
  () => database.read(() => select(byKey(key))),
);
await compare(
  'a statement without options for mysql2',
  () => ping('SELECT ? AS one'),
  () => ping({ sql: 'SELECT ? AS one', timezone: 'Z' }),
);
await compare(
  'a page of 50 messages, plain values as the driver returns them',
  () => database.read(() => messagePage([])),
  () => database.read(() => messagePage(['varchar', 'int', 'longtext'])),
);

await compare(
  'an append whose statements share round trips',
  () => append(database),
  () => append(plainDatabase),
);

await compare(
  'an append whose COMMIT goes with its last statements',
  () => append(database),
  () => append(database, []),
);

await compare(
  'ten checks of a cached response, whose ETag has a revision',
  () => tenOf(check),
  () => tenOf(checkWithoutRevision),
);

const values = { ...pageKey, from: 1, to: PAGE };
await compare(
  'a page of 50 messages from the first one, without the id of a parent',
  () => database.read(() => firstPage(values)),
  () => database.read(() => pageWithParent({ ...values, parentSeq: 0 })),
);

await compare(
  'a lock whose row has the id of the newest message',
  () => database.read(() => lockedState(key)),
  () => database.read(() => lockedWithSubquery(key)),
);

connection.destroy();
await plainSource.destroy();
await dataSource.destroy();
await server.stop();
