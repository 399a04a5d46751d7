import { statement, type UnitOfWork } from '../unit-of-work.js';

/** 2^64 - 1, but for what a double can hold. */
const NO_LIMIT = 2 ** 63;
/** A time in winter and one in summer: no time zone but UTC fits both. */
const WINTER = '2026-01-15 12:34:56.789';
const SUMMER = '2026-07-15 12:34:56.789';

/**
 * Settings of an application's connections that the module cannot work with, one
 * line each. Without these checks text could be cut, be stored as question
 * marks, or become part of a statement, reads could be old, uncommitted or cut, and times could be off by hours.
 */
export function* connectionProblems(): UnitOfWork<string[]> {
  const { rows } = yield [
    statement(
      `SELECT @@SESSION.sql_mode AS sqlMode, @@SESSION.character_set_client AS client, @@SESSION.character_set_results AS results, @@SESSION.autocommit AS autocommit, @@SESSION.completion_type AS completion, @@SESSION.foreign_key_checks AS foreignKeys, @@SESSION.sql_select_limit AS selectLimit, CAST('${WINTER}' AS DATETIME(3)) AS winter, CAST('${SUMMER}' AS DATETIME(3)) AS summer`,
    ),
  ];
  const { sqlMode, client, results, winter, summer } = rows[0]!;
  const { autocommit, completion, foreignKeys, selectLimit } = rows[0]!;
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
  if (Number(autocommit) !== 1) problems.push('autocommit must be on');
  if (completion !== 'NO_CHAIN') {
    problems.push('completion_type must be NO_CHAIN');
  }
  if (Number(foreignKeys) !== 1) problems.push('foreign_key_checks must be on');
  if (Number(selectLimit) < NO_LIMIT) {
    problems.push('sql_select_limit must have its default');
  }
  // MySQL and MariaDB name the variable differently.
  const isolation = yield [
    statement(
      "SHOW SESSION VARIABLES WHERE Variable_name IN ('transaction_isolation', 'tx_isolation')",
    ),
  ];
  if (isolation.rows.some(({ Value }) => Value === 'READ-UNCOMMITTED')) {
    problems.push('the transaction isolation must not be READ-UNCOMMITTED');
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
