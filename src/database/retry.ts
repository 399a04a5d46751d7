import { setTimeout as sleep } from 'node:timers/promises';
import { isTransient } from './errors.js';

const TRIES = 8;
const FIRST_PAUSE_MS = 5;
const LONGEST_PAUSE_MS = 250;

/**
 * Tries again what failed for a transient reason. Pauses are random up to a
 * bound that doubles, so that transactions that met once do not meet again.
 */
export async function withRetries<T>(attempt: () => Promise<T>): Promise<T> {
  for (let failures = 1; ; failures++) {
    try {
      return await attempt();
    } catch (error) {
      if (failures === TRIES || !isTransient(error)) throw error;
      const bound = FIRST_PAUSE_MS * 2 ** failures;
      await sleep(Math.random() * Math.min(bound, LONGEST_PAUSE_MS));
    }
  }
}
