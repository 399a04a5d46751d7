import { QueryFailedError } from 'typeorm';

/** ER_LOCK_DEADLOCK, ER_LOCK_WAIT_TIMEOUT, ER_CHECKREAD: rolled back by the server, and worth another try. */
const TRANSIENT_ERRNOS = new Set([1213, 1205, 1020]);
const ER_DUP_ENTRY = 1062;

interface DriverError {
  /** Number of the error, from mysql2. */
  errno?: unknown;
  /** Name of the error, from either driver. */
  code?: unknown;
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

/** Nothing was written, and the same work may well succeed when tried again. */
export function isTransient(error: unknown): boolean {
  const { errno, code } = driverErrorOf(error);
  return (
    (typeof errno === 'number' && TRANSIENT_ERRNOS.has(errno)) ||
    (typeof code === 'string' && code.startsWith('SQLITE_BUSY'))
  );
}
