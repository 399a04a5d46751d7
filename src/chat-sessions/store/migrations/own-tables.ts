import type { QueryRunner } from 'typeorm';

/** Columns that tell the tables of the module from those of a platform with the same name. */
const COLUMNS = {
  chat_sessions: ['owner_id', 'context_documents', 'max_message_bytes'],
  chat_messages: ['session_id', 'seq', 'owner_id', 'references', 'bytes'],
  idempotency_keys: ['owner_id', 'idempotency_key', 'request_hash'],
  chat_purges: ['session_id', 'last_seq', 'owner_id'],
  chat_range_purges: ['session_id', 'from_seq', 'blank_to', 'due_at'],
  chat_forks: ['session_id', 'owner_id', 'due_at'],
  chat_runs: ['session_id', 'seq', 'fence', 'lease_until', 'end_offset'],
  chat_message_chunks: ['session_id', 'seq', 'start_offset', 'content'],
  chat_usage: ['owner_id', 'day', 'session_id', 'cost_nanos'],
};

export type OwnTable = keyof typeof COLUMNS;

/** Whether the table exists, and is not a platform's. */
export async function isOwnTable(
  queryRunner: QueryRunner,
  table: OwnTable,
): Promise<boolean> {
  for (const column of COLUMNS[table]) {
    if (!(await queryRunner.hasColumn(table, column))) return false;
  }
  return true;
}

/** Throws if a platform has a table of this name: CREATE TABLE IF NOT EXISTS would take it for the module's. */
export async function refuseForeignTables(
  queryRunner: QueryRunner,
  ...tables: OwnTable[]
): Promise<void> {
  for (const table of tables) {
    if (!(await queryRunner.hasTable(table))) continue;
    if (await isOwnTable(queryRunner, table)) continue;
    throw new Error(
      `The database has a table ${table} that is not of Chat Sessions: rename it, or give Chat Sessions a database of its own`,
    );
  }
}

/** Drops a table, unless it is a platform's. */
export async function dropOwnTable(
  queryRunner: QueryRunner,
  table: OwnTable,
): Promise<void> {
  if (!(await isOwnTable(queryRunner, table))) return;
  await queryRunner.query(`DROP TABLE \`${table}\``);
}
