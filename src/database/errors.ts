import { QueryFailedError } from 'typeorm';
import { CodedError } from '../errors/coded-error.js';

const ER_DUP_ENTRY = 1062;
const ER_LOCK_WAIT_TIMEOUT = 1205;
/** A node of a cluster that is not, or no longer, part of it. */
const ER_NOT_PREPARED = 1047;

/**
 * Rolled back by the server, and worth another try: a deadlock (on Galera also
 * a conflict with another node, at COMMIT), a lock that did not come, a row that
 * changed since it was read, a node without its cluster.
 */
const CONTENTION_ERRNOS = new Set([
  1213,
  ER_LOCK_WAIT_TIMEOUT,
  1020,
  ER_NOT_PREPARED,
]);

/**
 * Certain to have written nothing before a COMMIT was sent, and worth another
 * try: no free connection, a connection or a statement that was killed, a server
 * that shuts down.
 */
const INTERRUPTED_ERRNOS = new Set([1040, 1203, 1053, 1317, 1927]);

interface DriverError {
  /** Number of the error, from mysql2. */
  errno?: unknown;
  /** Name of the error, from either driver. */
  code?: unknown;
  /** Set by mysql2 where the connection is of no more use. */
  fatal?: unknown;
}

function driverErrorOf(error: unknown): DriverError {
  const cause: unknown =
    error instanceof QueryFailedError ? error.driverError : error;
  return cause instanceof Error ? (cause as DriverError) : {};
}

/** A row with the same primary or unique key is there already. */
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

/** Others were in the way: nothing was written, and the same work may well succeed when tried again. */
export function isContention(error: unknown): boolean {
  const { errno, code } = driverErrorOf(error);
  return (
    (typeof errno === 'number' && CONTENTION_ERRNOS.has(errno)) ||
    (typeof code === 'string' && code.startsWith('SQLITE_BUSY'))
  );
}

/** The server did not do it, for a reason that will pass; of a COMMIT it leaves the outcome open. */
export function isInterrupted(error: unknown): boolean {
  const { errno, code } = driverErrorOf(error);
  return (
    (typeof errno === 'number' && INTERRUPTED_ERRNOS.has(errno)) ||
    // To connect; once connected, lateness is the deadline's affair.
    code === 'ETIMEDOUT'
  );
}

/** The node that answered cannot serve anybody for now. */
export function isNotPrepared(error: unknown): boolean {
  return driverErrorOf(error).errno === ER_NOT_PREPARED;
}

/** There is no connection, or no longer one. */
export function isConnectionLost(error: unknown): boolean {
  return driverErrorOf(error).fatal === true;
}

export const UNAVAILABLE_TEXTS = {
  shed: 'Too many requests are waiting for the store: this one was not begun',
  late: 'The store did not answer in time: nothing was written',
  outcome_unknown:
    'The connection to the store was lost at the end of the write: its outcome is unknown',
} as const;

/** A write may have happened, may not have, or may yet happen. */
export function isOutcomeUnknown(error: unknown): boolean {
  return (
    error instanceof StoreUnavailableError && error.reason === 'outcome_unknown'
  );
}

const UNAVAILABLE_CODES = {
  shed: 'store_overloaded',
  late: 'store_timeout',
  outcome_unknown: 'outcome_unknown',
} as const;

/** The store cannot be used right now; the client may try again. */
export class StoreUnavailableError extends CodedError {
  constructor(
    readonly reason: keyof typeof UNAVAILABLE_TEXTS,
    cause?: unknown,
  ) {
    super(
      UNAVAILABLE_CODES[reason],
      { status: 503, text: UNAVAILABLE_TEXTS[reason], retryAfter: 1 },
      { cause },
    );
  }
}
