import type { QueryRunner } from 'typeorm';

/** Old and new versions of the service know these columns. */
const SESSION_COLUMNS =
  'owner_id, id, title, context_documents, config, metadata, pinned, archived, message_count, last_seq, max_message_bytes, preview, last_message_at, last_activity_at, version, created_at, updated_at';
export const MESSAGE_COLUMNS =
  'session_id, seq, id, owner_id, role, content, parts, `references`, metadata, bytes, created_at';

export const MESSAGES_PER_SESSION = 5;
const OWNERS = 10_000;
/** Sessions of one INSERT. */
const BATCH = 50_000;
const TIME = '2026-01-01 00:00:00.000';
const TEXT = 'How does a conversation stay in order? '.repeat(4);
const BYTES = TEXT.length + 200;

interface Dialect {
  /** A table of the numbers from one to another, in its column `seq`. */
  numbers: (from: number, to: number) => string;
  idOf: (number: string) => string;
  ownerOf: (number: string) => string;
}

const PREFIX = '00000000-0000-7000-8000-';

const DIALECTS: Record<'mysql' | 'sqlite', Dialect> = {
  mysql: {
    numbers: (from, to) => `seq_${from}_to_${to}`,
    idOf: (number) =>
      `CONCAT('${PREFIX}', LOWER(LPAD(HEX(${number}), 12, '0')))`,
    ownerOf: (number) => `CONCAT('owner-', ${number} % ${OWNERS})`,
  },
  sqlite: {
    numbers: (from, to) =>
      `(WITH RECURSIVE numbers (seq) AS (SELECT ${from} UNION ALL SELECT seq + 1 FROM numbers WHERE seq < ${to}) SELECT seq FROM numbers)`,
    idOf: (number) => `printf('${PREFIX}%012x', ${number})`,
    ownerOf: (number) => `'owner-' || (${number} % ${OWNERS})`,
  },
};

/** The key of a session by its number, from 0. */
export function sessionKeyOf(number: number) {
  return {
    id: PREFIX + number.toString(16).padStart(12, '0'),
    ownerId: `owner-${number % OWNERS}`,
  };
}

/** Fills the tables of any version inside the database. Needs MariaDB, for its sequence tables, or SQLite. */
export async function fill(
  runner: QueryRunner,
  store: 'mysql' | 'sqlite',
  sessions: number,
): Promise<void> {
  const { numbers, idOf, ownerOf } = DIALECTS[store];
  const owner = ownerOf('s.seq');
  const id = idOf('s.seq');
  const count = MESSAGES_PER_SESSION;
  for (let from = 0; from < sessions; from += BATCH) {
    const to = Math.min(from + BATCH, sessions) - 1;
    await runner.query(
      `INSERT INTO chat_sessions (${SESSION_COLUMNS})
       SELECT ${owner}, ${id}, 'Title', '[]', '{}', '{}', 0, 0, ${count}, ${count},
         ${BYTES}, 'Preview', '${TIME}', '${TIME}', 1, '${TIME}', '${TIME}'
       FROM ${numbers(from, to)} s`,
    );
    await runner.query(
      `INSERT INTO chat_messages (${MESSAGE_COLUMNS})
       SELECT ${id}, m.seq, ${idOf('m.seq')}, ${owner}, 'user', '${TEXT}', NULL,
         '[]', '{}', ${BYTES}, '${TIME}'
       FROM ${numbers(from, to)} s CROSS JOIN ${numbers(1, count)} m`,
    );
  }
}
