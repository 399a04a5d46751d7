/**
 * A process that appends to random sessions as the version before does, until
 * its parent disconnects. Each message of the parent is answered with what was
 * written since the one before, and the longest time that a write took.
 * Arguments: DATABASE_URL, and the number of sessions.
 */
import { createConnection } from 'mysql2/promise';
import { randomInt, randomUUID } from 'node:crypto';
import { MESSAGE_COLUMNS, sessionKeyOf } from './migration-data.js';

export interface WriterFigures {
  writes: number;
  longestMs: number;
  errors: string[];
}

const WRITERS = 4;
/** Longest wait of a write on SQLite for its turn. */
const TURN_MS = 120_000;
const SQLITE = 'sqlite:';

const LOCK =
  'SELECT last_seq, message_count, version FROM chat_sessions WHERE id = ? AND owner_id = ?';
const INSERT = `INSERT INTO chat_messages (${MESSAGE_COLUMNS}) VALUES (?, ?, ?, ?, 'user', 'Hello', NULL, '[]', '{}', 100, ?)`;
const UPDATE =
  'UPDATE chat_sessions SET message_count = message_count + 1, last_seq = ?, version = version + 1, last_activity_at = ?, updated_at = ? WHERE id = ? AND owner_id = ?';

const [, , url = '', sessions = ''] = process.argv;
let figures: WriterFigures = { writes: 0, longestMs: 0, errors: [] };

/** Appends a message through the statements of the store. */
type Append = (key: ReturnType<typeof sessionKeyOf>) => Promise<void>;

async function write(append: Append): Promise<never> {
  for (;;) {
    const key = sessionKeyOf(randomInt(Number(sessions)));
    const start = performance.now();
    try {
      await append(key);
      figures.writes++;
    } catch (error) {
      figures.errors.push(String(error));
    }
    const milliseconds = performance.now() - start;
    figures.longestMs = Math.max(figures.longestMs, milliseconds);
    // Lets the process read messages.
    await new Promise((resolve) => setImmediate(resolve));
  }
}

async function onMysql(): Promise<Append> {
  const connection = await createConnection({ uri: url, timezone: 'Z' });
  return async ({ id, ownerId }) => {
    const now = new Date();
    await connection.beginTransaction();
    const [rows] = await connection.query(`${LOCK} FOR UPDATE`, [id, ownerId]);
    const seq = (rows as { last_seq: number }[])[0]!.last_seq + 1;
    await connection.query(INSERT, [id, seq, randomUUID(), ownerId, now]);
    await connection.query(UPDATE, [seq, now, now, id, ownerId]);
    await connection.commit();
  };
}

async function onSqlite(): Promise<Append> {
  const { default: Sqlite } = await import('better-sqlite3');
  const connection = new Sqlite(url.slice(SQLITE.length), { timeout: TURN_MS });
  connection.pragma('synchronous = FULL');
  const append = connection.transaction((id: string, ownerId: string) => {
    const now = new Date().toISOString().replace('T', ' ').slice(0, -1);
    const row = connection.prepare(LOCK).get(id, ownerId);
    const seq = (row as { last_seq: number }).last_seq + 1;
    connection.prepare(INSERT).run(id, seq, randomUUID(), ownerId, now);
    connection.prepare(UPDATE).run(seq, now, now, id, ownerId);
  });
  return async ({ id, ownerId }) => append.immediate(id, ownerId);
}

process.on('message', () => {
  process.send!(figures);
  figures = { writes: 0, longestMs: 0, errors: [] };
});
process.on('disconnect', () => process.exit());

if (url.startsWith(SQLITE)) void write(await onSqlite());
else for (let n = 0; n < WRITERS; n++) void write(await onMysql());
