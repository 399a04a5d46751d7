import type { UnitOfWork } from '../unit-of-work.js';

/** A time in winter and one in summer, so that no time zone but UTC fits both. */
const WINTER = '2026-01-15 12:34:56.789';
const SUMMER = '2026-07-15 12:34:56.789';

/**
 * What of an application's connections the module cannot do with, one line each:
 * text would be cut without a word, or turned into question marks, or come into
 * statements as more than text; times would be read as others.
 */
export function* connectionMistakes(): UnitOfWork<string[]> {
  const { rows } = yield {
    getQueryAndParameters: () => [
      `SELECT @@SESSION.sql_mode AS sqlMode, @@SESSION.character_set_client AS client, @@SESSION.character_set_results AS results, CAST('${WINTER}' AS DATETIME(3)) AS winter, CAST('${SUMMER}' AS DATETIME(3)) AS summer`,
      [],
    ],
  };
  const { sqlMode, client, results, winter, summer } = rows[0]!;
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
  if (!isTime(winter, WINTER) || !isTime(summer, SUMMER)) {
    mistakes.push(
      'times must come as Date: without dateStrings, and without a typeCast that changes them',
    );
  }
  return mistakes;
}

function isTime(value: unknown, text: string): boolean {
  return (
    value instanceof Date &&
    value.getTime() === Date.parse(`${text.replace(' ', 'T')}Z`)
  );
}
