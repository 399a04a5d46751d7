import type { Database as Connection } from 'better-sqlite3';
import type { QueryRunner } from 'typeorm';

interface Change {
  table: string;
  column: string;
  /** The type that is declared now, as CREATE TABLE wrote it. */
  from: string;
  to: string;
}

/**
 * Changes the declared type of a column and touches no row, which is right for
 * the length of a varchar: SQLite ignores it, but has no statement to change it.
 * Other connections read the schema again, since its version differs.
 * See "Making Other Kinds Of Table Schema Changes" in
 * https://www.sqlite.org/lang_altertable.html
 */
export async function changeColumnType(
  queryRunner: QueryRunner,
  change: Change,
): Promise<void> {
  const connection = (await queryRunner.connect()) as Connection;
  // The driver forbids changes of the schema's table otherwise.
  connection.unsafeMode(true);
  try {
    connection.pragma('writable_schema = ON');
    connection.transaction(() => redeclare(connection, change))();
  } finally {
    connection.pragma('writable_schema = OFF');
    connection.unsafeMode(false);
  }
}

function redeclare(
  connection: Connection,
  { table, column, from, to }: Change,
): void {
  connection
    .prepare(
      "UPDATE sqlite_schema SET sql = replace(sql, ?, ?) WHERE type = 'table' AND name = ?",
    )
    .run(`"${column}" ${from}`, `"${column}" ${to}`, table);
  const version = connection.pragma('schema_version', { simple: true });
  connection.pragma(`schema_version = ${Number(version) + 1}`);
  const type = connection
    .prepare('SELECT type FROM pragma_table_info(?) WHERE name = ?')
    .pluck()
    .get(table, column);
  if (type === to) return;
  throw new Error(
    `The column ${column} of ${table} cannot be changed from ${from} to ${to}`,
  );
}
