import type { UnitOfWork } from './unit-of-work.js';

/** A time in winter and one in summer, so that no time zone but UTC fits both. */
const TIMES = ['2026-01-15 12:34:56.789', '2026-07-15 12:34:56.789'];

/**
 * What of an application's connections the module cannot do with, one line each:
 * text would be cut without a word, or turned into question marks, or come into
 * statements as more than text; times would be read as others.
 */
export function* connectionMistakes(): UnitOfWork<string[]> {
  const { rows } = yield {
    getQueryAndParameters: () => [
      `SELECT @@SESSION.sql_mode, @@SESSION.character_set_client, @@SESSION.character_set_results, ${TIMES.map((time) => `CAST('${time}' AS DATETIME(3))`).join(', ')}`,
      [],
    ],
  };
  const [sqlMode, client, results, ...times] = Object.values(rows[0]!);
  const modes = String(sqlMode).split(',');
  const mistakes: string[] = [];
  if (!modes.some((mode) => mode.startsWith('STRICT_'))) {
    mistakes.push('sql_mode must have STRICT_TRANS_TABLES');
  }
  if (modes.includes('NO_BACKSLASH_ESCAPES')) {
    mistakes.push('sql_mode must not have NO_BACKSLASH_ESCAPES');
  }
  if (client !== 'utf8mb4' || results !== 'utf8mb4') {
    mistakes.push('charset must be utf8mb4');
  }
  const isUtc = times.every(
    (time, index) =>
      time instanceof Date &&
      time.getTime() === Date.parse(`${TIMES[index]!.replace(' ', 'T')}Z`),
  );
  if (!isUtc) {
    mistakes.push(
      'times must come as Date: without dateStrings, and without a typeCast that changes them',
    );
  }
  return mistakes;
}
