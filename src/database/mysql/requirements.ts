import { statement, type UnitOfWork } from '../unit-of-work.js';

/** A time in winter and one in summer: no time zone but UTC fits both. */
const WINTER = '2026-01-15 12:34:56.789';
const SUMMER = '2026-07-15 12:34:56.789';

/**
 * Settings of an application's connections that the module cannot work with, one
 * line each. Without these checks text could be cut, be stored as question
 * marks, or become part of a statement, and times could be off by hours.
 */
export function* connectionProblems(): UnitOfWork<string[]> {
  const { rows } = yield [
    statement(
      `SELECT @@SESSION.sql_mode AS sqlMode, @@SESSION.character_set_client AS client, @@SESSION.character_set_results AS results, CAST('${WINTER}' AS DATETIME(3)) AS winter, CAST('${SUMMER}' AS DATETIME(3)) AS summer`,
    ),
  ];
  const { sqlMode, client, results, winter, summer } = rows[0]!;
  const modes = String(sqlMode).split(',');
  const problems: string[] = [];
  if (!modes.some((mode) => mode.startsWith('STRICT_'))) {
    problems.push('sql_mode must have STRICT_TRANS_TABLES');
  }
  if (modes.includes('NO_BACKSLASH_ESCAPES')) {
    problems.push('sql_mode must not have NO_BACKSLASH_ESCAPES');
  }
  if (client !== 'utf8mb4' || results !== 'utf8mb4') {
    problems.push('charset must be utf8mb4');
  }
  if (!isTime(winter, WINTER) || !isTime(summer, SUMMER)) {
    problems.push(
      'times must come as Date: without dateStrings, and without a typeCast that changes them',
    );
  }
  return problems;
}

function isTime(value: unknown, text: string): boolean {
  return (
    value instanceof Date &&
    value.getTime() === Date.parse(`${text.replace(' ', 'T')}Z`)
  );
}
