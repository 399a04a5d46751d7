import { statement, type UnitOfWork } from '../unit-of-work.js';

/** 2^64 - 1, but for what a double can hold. */
const NO_LIMIT = 2 ** 63;
/** A time in winter and one in summer: no time zone but UTC fits both. */
const WINTER = '2026-01-15 12:34:56.789';
const SUMMER = '2026-07-15 12:34:56.789';
/** The text of a text part is stored in `content` and in `parts`, and every character of both may be escaped. */
const PACKET_PER_BYTE = 4;
/** Bytes that the service adds to 100 rows. Most are the owner's id: up to 764 each. */
const OTHER_COLUMNS_BYTES = 128 * 1024;

/** The `max_allowed_packet` that a write needs whose body has this size. */
export function packetFor(bodyBytes: number): number {
  return PACKET_PER_BYTE * bodyBytes + OTHER_COLUMNS_BYTES;
}

/** The size of a body that certainly fits into a packet. */
export function bodyFor(packetBytes: number): number {
  return Math.floor((packetBytes - OTHER_COLUMNS_BYTES) / PACKET_PER_BYTE);
}

/**
 * Settings of an application's connections that the module cannot work with, one
 * line each. Without these checks text could be cut, be stored as question
 * marks, or become part of a statement, reads could be old, uncommitted or cut,
 * a write could be refused or break a key, and times could be off by hours.
 */
export function* connectionProblems(): UnitOfWork<string[]> {
  const { rows } = yield [
    statement(
      `SELECT @@SESSION.sql_mode AS sqlMode, @@SESSION.character_set_client AS client, @@SESSION.character_set_results AS results, @@SESSION.autocommit AS autocommit, @@SESSION.completion_type AS completion, @@SESSION.foreign_key_checks AS foreignKeys, @@SESSION.unique_checks AS uniqueKeys, @@SESSION.sql_safe_updates AS safeUpdates, @@SESSION.sql_select_limit AS selectLimit, CAST('${WINTER}' AS DATETIME(3)) AS winter, CAST('${SUMMER}' AS DATETIME(3)) AS summer`,
    ),
  ];
  const { sqlMode, client, results, winter, summer } = rows[0]!;
  const { autocommit, completion, foreignKeys, uniqueKeys } = rows[0]!;
  const { safeUpdates, selectLimit } = rows[0]!;
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
  if (Number(uniqueKeys) !== 1) problems.push('unique_checks must be on');
  if (Number(safeUpdates) !== 0) problems.push('sql_safe_updates must be off');
  if (Number(selectLimit) < NO_LIMIT) {
    problems.push('sql_select_limit must have its default');
  }
  // MySQL and MariaDB name the variables differently.
  const access = yield [
    statement(
      "SHOW SESSION VARIABLES WHERE Variable_name IN ('transaction_isolation', 'tx_isolation', 'transaction_read_only', 'tx_read_only')",
    ),
  ];
  const values = access.rows.map(({ Value }) => Value);
  if (values.includes('READ-UNCOMMITTED')) {
    problems.push('the transaction isolation must not be READ-UNCOMMITTED');
  }
  if (values.includes('ON')) {
    problems.push('transaction_read_only must be off');
  }
  if (!isTime(winter, WINTER) || !isTime(summer, SUMMER)) {
    problems.push(
      'times must come as Date: without dateStrings, and without a typeCast that changes them',
    );
  }
  return problems;
}

/**
 * Settings of an application's connections under which requests fail without
 * need, one line each.
 */
export function* connectionWarnings({
  deadlineMs,
  textBytes,
}: {
  deadlineMs: number;
  /** The largest text that the module accepts. */
  textBytes: number;
}): UnitOfWork<string[]> {
  const { rows } = yield [
    statement(
      "SHOW SESSION VARIABLES WHERE Variable_name IN ('innodb_lock_wait_timeout', 'max_statement_time', 'max_execution_time', 'max_allowed_packet')",
    ),
  ];
  const values = new Map(
    rows.map((row) => [row.Variable_name, String(row.Value)]),
  );
  const warnings: string[] = [];
  const lockWait = Number(values.get('innodb_lock_wait_timeout'));
  if (lockWait * 1000 >= deadlineMs) {
    warnings.push(
      `A request that waits for a locked row fails at its deadline of ${deadlineMs} ms, and its connection is lost: innodb_lock_wait_timeout is ${lockWait} s`,
    );
  }
  // MariaDB has the first, in seconds, and MySQL the second, in milliseconds.
  for (const [name, unitMs] of [
    ['max_statement_time', 1000],
    ['max_execution_time', 1],
  ] as const) {
    const limit = Number(values.get(name) ?? 0) * unitMs;
    if (limit > 0 && limit < deadlineMs) {
      warnings.push(
        `The server ends statements before the deadline of ${deadlineMs} ms: ${name} is ${values.get(name)}`,
      );
    }
  }
  const packet = Number(values.get('max_allowed_packet'));
  const most = packetFor(textBytes);
  if (packet < most) {
    warnings.push(
      `Messages of the largest size may get 413: max_allowed_packet is ${packet}, less than ${most}`,
    );
  }
  return warnings;
}

function isTime(value: unknown, text: string): boolean {
  return (
    value instanceof Date &&
    value.getTime() === Date.parse(`${text.replace(' ', 'T')}Z`)
  );
}
