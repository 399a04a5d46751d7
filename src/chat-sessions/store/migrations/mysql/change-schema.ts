import { Logger } from '@nestjs/common';
import { setTimeout as sleep } from 'node:timers/promises';
import type { QueryRunner } from 'typeorm';
import { isLockWaitTimeout } from '../../../../database/errors.js';

/** The least that MySQL accepts. */
const LOCK_WAIT_SECONDS = 1;
/** Writes that have waited are done in it. */
const PAUSE_MS = 2_000;
const LIMIT_MS = 10 * 60_000;

const logger = new Logger('Migrations');

/**
 * Runs a statement that changes the schema. It waits for transactions that use
 * the table, and all reads and writes wait behind it. So it gives up after a
 * second and tries again, for up to 10 minutes.
 */
export async function changeSchema(
  queryRunner: QueryRunner,
  statement: string,
): Promise<void> {
  await queryRunner.query(
    `SET @lock_wait = @@SESSION.lock_wait_timeout, SESSION lock_wait_timeout = ${LOCK_WAIT_SECONDS}`,
  );
  try {
    await tryUntil(performance.now() + LIMIT_MS, () =>
      queryRunner.query(statement),
    );
  } finally {
    await queryRunner.query('SET SESSION lock_wait_timeout = @lock_wait');
  }
}

async function tryUntil(
  end: number,
  run: () => Promise<unknown>,
): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      await run();
      return;
    } catch (error) {
      if (!isLockWaitTimeout(error) || performance.now() >= end) throw error;
      if (attempt === 1) {
        logger.warn(
          'A migration waits for transactions that use its table, and tries again for up to 10 minutes',
        );
      }
      await sleep(PAUSE_MS);
    }
  }
}
