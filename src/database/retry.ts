import { setTimeout as sleep } from 'node:timers/promises';
import { isTransient } from './errors.js';

const TRIES = 8;
const FIRST_PAUSE_MS = 5;
const LONGEST_PAUSE_MS = 250;

/**
 * Tries again what failed for a transient reason. Pauses double, and half of
 * each is random, so that transactions that met once do not meet again. The
 * other half makes sure of some patience: 0.4 s in all, at least.
 */
export async function withRetries<T>(attempt: () => Promise<T>): Promise<T> {
  for (let failures = 1; ; failures++) {
    try {
      return await attempt();
    } catch (error) {
      if (failures === TRIES || !isTransient(error)) throw error;
      const pause = Math.min(FIRST_PAUSE_MS * 2 ** failures, LONGEST_PAUSE_MS);
      await sleep(pause * (0.5 + Math.random() / 2));
    }
  }
}
