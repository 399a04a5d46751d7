/**
 * The longest deadline, and twenty times the default to connect, so that a busy
 * machine fails no test. Readiness waits for half of the second. Tests of these
 * limits set their own.
 */
export const PATIENCE = {
  REQUEST_DEADLINE_MS: '60000',
  DATABASE_CONNECT_TIMEOUT_MS: '20000',
};

/** `deadlineMs` of a platform. */
export const PATIENT_DEADLINE_MS = Number(PATIENCE.REQUEST_DEADLINE_MS);
