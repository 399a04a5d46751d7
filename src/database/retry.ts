import { setTimeout as sleep } from 'node:timers/promises';
import type { Deadline } from './deadline.js';
import {
  isConnectionLost,
  isContention,
  isInterrupted,
  isStatementTimeout,
  isUnusable,
  StoreUnavailableError,
} from './errors.js';

const FIRST_PAUSE_MS = 5;
const LONGEST_PAUSE_MS = 250;
/** Attempts without a connection. With these pauses, a database that is down fails a request within a second. */
const MAX_LOST_CONNECTIONS = 3;
const RECONNECT_PAUSE_MS = 100;

/**
 * Repeats an attempt that certainly wrote nothing: after contention and
 * interruptions until the deadline, after a lost connection a few times. Pauses
 * double, and half of each is random, so that transactions that met once do not
 * meet again.
 */
export async function withRetries<T>(
  deadline: Deadline,
  attempt: () => Promise<T>,
): Promise<T> {
  let lostConnections = 0;
  for (let failures = 1; ; failures++) {
    try {
      return await attempt();
    } catch (error) {
      const willPass =
        isContention(error) ||
        isInterrupted(error) ||
        isStatementTimeout(error);
      const isLost = !willPass && isConnectionLost(error);
      if (isUnusable(error)) {
        throw new StoreUnavailableError('store_unusable', error);
      }
      if (!willPass && !isLost) throw error;
      if (isLost && ++lostConnections === MAX_LOST_CONNECTIONS) {
        throw new StoreUnavailableError('store_unreachable', error);
      }
      const pause = isLost
        ? RECONNECT_PAUSE_MS * lostConnections
        : Math.min(FIRST_PAUSE_MS * 2 ** failures, LONGEST_PAUSE_MS);
      if (pause >= deadline.left)
        throw new StoreUnavailableError('store_timeout', error);
      await sleep(pause * (0.5 + Math.random() / 2));
    }
  }
}
