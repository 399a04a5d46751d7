import { QueryFailedError } from 'typeorm';
import {
  CodedError,
  codeOfStatus,
  type ErrorInfo,
  PAYLOAD_TOO_LARGE,
} from '../errors/coded-error.js';

const ER_DUP_ENTRY = 1062;
const ER_LOCK_WAIT_TIMEOUT = 1205;
const ER_LOCK_DEADLOCK = 1213;
const ER_CHECKREAD = 1020;
/**
 * The server takes no writes for now: a node outside its Galera cluster (1047), a
 * former primary after a failover (`read_only` 1290, `transaction_read_only`
 * 1792, `innodb_read_only` 1836 and 1874).
 */
const NOT_READY_ERRNOS = [1047, 1290, 1792, 1836, 1874];

/**
 * Nothing was or will be committed, and another attempt may succeed: a deadlock
 * (on Galera also a conflict with another node, at COMMIT), a lock that was not
 * granted in time, a row that changed since it was read, a server that takes no
 * writes.
 */
const CONTENTION_ERRNOS = new Set([
  ER_LOCK_DEADLOCK,
  ER_LOCK_WAIT_TIMEOUT,
  ER_CHECKREAD,
  ...NOT_READY_ERRNOS,
]);

/**
 * Nothing was written if no COMMIT was sent, and another attempt may succeed: no
 * free connection (1040, 1203, 1226), a server that shuts down (1053, 1077) or is in
 * offline mode (3032), a statement or a connection that was killed (1317, 1927,
 * 3169), a connection that the server has closed because it was idle (4031).
 */
const INTERRUPTED_ERRNOS = new Set([
  1040, 1203, 1226, 1053, 1077, 3032, 1317, 1927, 3169, 4031,
]);

interface DriverError {
  /** Number of the error, from mysql2. */
  errno?: unknown;
  /** Name of the error, from either driver. */
  code?: unknown;
  /** Set by mysql2 if the connection can no longer be used. */
  fatal?: unknown;
}

function driverErrorOf(error: unknown): DriverError {
  const cause: unknown =
    error instanceof QueryFailedError ? error.driverError : error;
  return cause instanceof Error ? (cause as DriverError) : {};
}

/** A row with the same primary or unique key exists already. */
export function isDuplicateKey(error: unknown): boolean {
  const { errno, code } = driverErrorOf(error);
  return (
    errno === ER_DUP_ENTRY ||
    code === 'SQLITE_CONSTRAINT_PRIMARYKEY' ||
    code === 'SQLITE_CONSTRAINT_UNIQUE'
  );
}

/** Another transaction held a row for longer than `innodb_lock_wait_timeout`. */
export function isLockWaitTimeout(error: unknown): boolean {
  return driverErrorOf(error).errno === ER_LOCK_WAIT_TIMEOUT;
}

/** Other transactions were in the way: nothing was written, and another attempt may succeed. */
export function isContention(error: unknown): boolean {
  const { errno, code } = driverErrorOf(error);
  return (
    (typeof errno === 'number' && CONTENTION_ERRNOS.has(errno)) ||
    (typeof code === 'string' && code.startsWith('SQLITE_BUSY'))
  );
}

/** The server did not run the statement, for a reason that passes. The outcome of a COMMIT is then unknown. */
export function isInterrupted(error: unknown): boolean {
  const { errno, code } = driverErrorOf(error);
  return (
    (typeof errno === 'number' && INTERRUPTED_ERRNOS.has(errno)) ||
    // Only connecting times out; the deadline covers everything after it.
    code === 'ETIMEDOUT'
  );
}

/** The statement took longer than `max_statement_time` of MariaDB, or `max_execution_time` of MySQL, allows. */
export function isStatementTimeout(error: unknown): boolean {
  const { errno } = driverErrorOf(error);
  return errno === 1969 || errno === 3024;
}

/** A check found that the server takes no writes. */
export class ServerNotReadyError extends Error {}

/** The server takes no writes for now. Another one may. */
export function isServerNotReady(error: unknown): boolean {
  if (error instanceof ServerNotReadyError) return true;
  const { errno } = driverErrorOf(error);
  return typeof errno === 'number' && NOT_READY_ERRNOS.includes(errno);
}

/** The account has as many connections as it may have (`MAX_USER_CONNECTIONS`). */
export function isAccountLimit(error: unknown): boolean {
  const { errno } = driverErrorOf(error);
  return errno === 1203 || errno === 1226;
}

/** A full disk (1021, 1114), or a file of SQLite that cannot be used. */
const UNUSABLE_ERRNOS = [1021, 1114];
const UNUSABLE_CODES = /^SQLITE_(FULL|IOERR|CORRUPT|NOTADB|READONLY|CANTOPEN)/;

/** The store needs somebody's hand: another attempt fails as well. */
export function isUnusable(error: unknown): boolean {
  const { errno, code } = driverErrorOf(error);
  return (
    (typeof errno === 'number' && UNUSABLE_ERRNOS.includes(errno)) ||
    (typeof code === 'string' && UNUSABLE_CODES.test(code))
  );
}

const DAMAGE_CODES =
  /^SQLITE_(CORRUPT|NOTADB|IOERR_(READ|SHORT_READ|CORRUPTFS))/;

/** Pages of a SQLite file cannot be read, or contradict each other. */
export function isDamage(error: unknown): boolean {
  const { code } = driverErrorOf(error);
  return typeof code === 'string' && DAMAGE_CODES.test(code);
}

/** There is no connection, or it was lost: by mysql2, or by a proxy, which then sends an error number of clients (2000 to 2999). */
export function isConnectionLost(error: unknown): boolean {
  const { fatal, errno } = driverErrorOf(error);
  return (
    fatal === true ||
    (typeof errno === 'number' && errno >= 2000 && errno < 3000)
  );
}

/** Follows "Too many" in the log and in the response of a queue of the store. */
export const WAITING_FOR_STORE = 'requests are waiting for the store';

/** The response for each way in which the store cannot be used. */
export const STORE_ERRORS = {
  store_overloaded: {
    status: 503,
    text: `Too many ${WAITING_FOR_STORE}: this one was not begun`,
    retryAfter: 1,
  },
  store_timeout: {
    status: 503,
    text: 'The store did not answer in time: nothing was written',
    retryAfter: 1,
  },
  store_unreachable: {
    status: 503,
    text: 'The store cannot be reached: nothing was written',
    retryAfter: 1,
  },
  store_unusable: {
    status: 503,
    text: 'The store cannot be used: its disk is full, or its files are damaged or gone',
    retryAfter: 10,
  },
  outcome_unknown: {
    status: 503,
    text: 'The connection to the store was lost at the end of the write: its outcome is unknown',
    retryAfter: 1,
  },
} as const satisfies Record<string, ErrorInfo>;

export type StoreUnavailableCode = keyof typeof STORE_ERRORS;

/** The store cannot be used right now. The client may send the request again. */
export class StoreUnavailableError extends CodedError<StoreUnavailableCode> {
  constructor(
    code: StoreUnavailableCode,
    cause?: unknown,
    info: ErrorInfo = STORE_ERRORS[code],
  ) {
    super(code, info, { cause });
  }
}

/** @param waiting what there is too much of, as in WAITING_FOR_STORE */
export function overloaded(waiting: string): StoreUnavailableError {
  return new StoreUnavailableError('store_overloaded', undefined, {
    ...STORE_ERRORS.store_overloaded,
    text: `Too many ${waiting}: this one was not begun`,
  });
}

/** A write is larger than the server accepts (`max_allowed_packet`). */
export class WriteTooLargeError extends CodedError {
  /** @param closesConnection whether the server has refused it, and closes the connection */
  constructor(readonly closesConnection = false) {
    super(codeOfStatus(413), PAYLOAD_TOO_LARGE);
  }
}

/** The write may have happened, or not, or may still happen. */
export function isOutcomeUnknown(error: unknown): boolean {
  return (
    error instanceof StoreUnavailableError && error.code === 'outcome_unknown'
  );
}
