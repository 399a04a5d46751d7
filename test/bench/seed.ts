import type { Connection, RowDataPacket } from 'mysql2/promise';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Template } from './templates.js';

/** Sessions of the same kind, copied from templates in turn. */
export interface Group {
  /** Letters. The owners are called `NAME-0`, `NAME-1` and so on. */
  name: string;
  /** A hexadecimal digit that the session ids of the group contain. */
  digit: string;
  sessions: number;
  owners: number;
}

/** The time of the first session. Each session is a second later than the one before. */
const START = Date.UTC(2026, 0, 1);
const SECOND = 1000;
/** Sessions of one INSERT: a transaction of some tens of megabytes. */
const BATCH = 10_000;
const SETTLE_POLL_MS = 200;
/** Dirty pages of 16 KiB that may remain. */
const SETTLED_PAGES = 100;
/** Messages of templates in one INSERT. */
const TEMPLATE_BATCH = 1_000;

/** The id of a session: a UUID v7, so ids sort by time. */
export function sessionIdOf({ digit }: Group, n: number): string {
  const time = (START + n * SECOND).toString(16).padStart(12, '0');
  const end = n.toString(16).padStart(12, '0');
  return `${time.slice(0, 8)}-${time.slice(8)}-7${digit}00-8000-${end}`;
}

export function ownerOf({ name, owners }: Group, n: number): string {
  return `${name}-${n % owners}`;
}

/** The numbers of a group's sessions. */
export function allOf({ sessions }: Group): number[] {
  return Array.from({ length: sessions }, (_, n) => n);
}

export function sessionIdsOf(group: Group): string[] {
  return allOf(group).map((n) => sessionIdOf(group, n));
}

/**
 * Writes a group into the service's tables. The templates are sent once; the
 * server copies them. Needs MariaDB, for its sequence tables (`seq_0_to_9`).
 */
export async function seed(
  connection: Connection,
  group: Group,
  templates: Template[],
): Promise<void> {
  await writeTemplates(connection, templates);
  for (let from = 0; from < group.sessions; from += BATCH) {
    const to = Math.min(from + BATCH, group.sessions) - 1;
    await copySessions(connection, group, templates.length, from, to);
    await copyMessages(connection, group, templates.length, from, to);
  }
  await connection.query('ANALYZE TABLE chat_sessions, chat_messages');
}

/** Waits until the seeded pages are on disk. Otherwise the server would write them during measurements. */
export async function settle(connection: Connection): Promise<void> {
  await connection.query('SET GLOBAL innodb_max_dirty_pages_pct = 0');
  let dirty: number;
  do {
    await sleep(SETTLE_POLL_MS);
    const [[row]] = await connection.query<RowDataPacket[]>(
      "SHOW GLOBAL STATUS LIKE 'Innodb_buffer_pool_pages_dirty'",
    );
    dirty = Number((row as { Value: string }).Value);
  } while (dirty > SETTLED_PAGES);
  await connection.query('SET GLOBAL innodb_max_dirty_pages_pct = DEFAULT');
}

/** The size of all tables and indexes of the connection's database. */
export async function dataBytes(connection: Connection): Promise<number> {
  const [[row]] = await connection.query<RowDataPacket[]>(
    `SELECT CAST(SUM(data_length + index_length) AS DOUBLE) AS bytes
     FROM information_schema.tables WHERE table_schema = DATABASE()`,
  );
  return (row as { bytes: number }).bytes;
}

async function writeTemplates(
  connection: Connection,
  templates: Template[],
): Promise<void> {
  await connection.query(`
    CREATE OR REPLACE TEMPORARY TABLE template_sessions (
      number int PRIMARY KEY, title varchar(200), message_count int,
      max_message_bytes int, preview varchar(160)) CHARACTER SET utf8mb4`);
  await connection.query(`
    CREATE OR REPLACE TEMPORARY TABLE template_messages (
      number int, seq int, role varchar(16), content longtext, parts longtext,
      bytes int, PRIMARY KEY (number, seq)) CHARACTER SET utf8mb4`);
  await connection.query('INSERT INTO template_sessions VALUES ?', [
    templates.map(({ session }, number) => [
      number,
      session.title,
      session.messageCount,
      session.maxMessageBytes,
      session.preview,
    ]),
  ]);
  const rows = templates.flatMap(({ messages }, number) =>
    messages.map(({ seq, role, content, parts, bytes }) => [
      number,
      seq,
      role,
      content,
      parts && JSON.stringify(parts),
      bytes,
    ]),
  );
  for (let from = 0; from < rows.length; from += TEMPLATE_BATCH) {
    await connection.query('INSERT INTO template_messages VALUES ?', [
      rows.slice(from, from + TEMPLATE_BATCH),
    ]);
  }
}

/** The time of a session; `s.seq` is its number in the group. */
const TIME = `(${START} + s.seq * ${SECOND})`;
const idFor = ({ digit }: Group) => `LOWER(CONCAT(
  LPAD(HEX(${TIME} >> 16), 8, '0'), '-', LPAD(HEX(${TIME} & 65535), 4, '0'),
  '-7${digit}00-8000-', LPAD(HEX(s.seq), 12, '0')))`;
const ownerFor = ({ name, owners }: Group) =>
  `CONCAT('${name}-', s.seq MOD ${owners})`;
/** The time of a message: a millisecond after the one before. */
const timeOf = (seq: string) =>
  `(FROM_UNIXTIME(${TIME} / 1000) + INTERVAL (${seq} - 1) * 1000 MICROSECOND)`;

async function copySessions(
  connection: Connection,
  group: Group,
  templates: number,
  from: number,
  to: number,
): Promise<void> {
  const last = timeOf('t.message_count');
  await connection.query(`
    INSERT INTO chat_sessions (id, owner_id, title, context_documents, config,
      metadata, pinned, archived, message_count, last_seq, max_message_bytes,
      preview, last_message_at, last_activity_at, version, created_at, updated_at)
    SELECT ${idFor(group)}, ${ownerFor(group)}, t.title, '[]', '{}', '{}', 0, 0,
      t.message_count, t.message_count, t.max_message_bytes, t.preview, ${last},
      ${last}, 1, ${timeOf('1')}, ${last}
    FROM seq_${from}_to_${to} s
    JOIN template_sessions t ON t.number = s.seq MOD ${templates}
    ORDER BY s.seq`);
}

async function copyMessages(
  connection: Connection,
  group: Group,
  templates: number,
  from: number,
  to: number,
): Promise<void> {
  const id = idFor(group);
  await connection.query(`
    INSERT INTO chat_messages (session_id, seq, id, owner_id, role, content, parts,
      \`references\`, metadata, bytes, created_at)
    SELECT ${id}, m.seq, CONCAT(LEFT(${id}, 24), LPAD(HEX(m.seq), 12, '0')),
      ${ownerFor(group)}, m.role, m.content, m.parts, '[]', '{}', m.bytes,
      ${timeOf('m.seq')}
    FROM seq_${from}_to_${to} s
    JOIN template_messages m ON m.number = s.seq MOD ${templates}
    ORDER BY s.seq, m.seq`);
}

/** Removes the appended messages of these sessions. Their versions stay. */
export async function takeBack(
  connection: Connection,
  ids: string[],
): Promise<void> {
  await connection.query(
    "DELETE FROM chat_messages WHERE session_id IN (?) AND id LIKE 'bench-%'",
    [ids],
  );
  await connection.query(
    `UPDATE chat_sessions s
     JOIN (SELECT session_id, MAX(seq) AS last FROM chat_messages
           WHERE session_id IN (?) GROUP BY session_id) m ON m.session_id = s.id
     JOIN chat_messages n ON n.session_id = s.id AND n.seq = m.last
     SET s.message_count = m.last, s.last_seq = m.last,
       s.newest_seq = m.last, s.newest_id = n.id`,
    [ids],
  );
}

/** Counts the messages of these sessions. Throws if message_count differs. */
export async function countMessages(
  connection: Connection,
  ids: string[],
): Promise<number> {
  const [[row]] = await connection.query<RowDataPacket[]>(
    `SELECT (SELECT CAST(SUM(message_count) AS DOUBLE) FROM chat_sessions WHERE id IN (?)) AS counted,
       (SELECT COUNT(*) FROM chat_messages WHERE session_id IN (?)) AS stored`,
    [ids, ids],
  );
  const { counted, stored } = row as { counted: number; stored: number };
  if (counted !== stored) {
    throw new Error(`message_count is ${counted}, but ${stored} are stored`);
  }
  return stored;
}
