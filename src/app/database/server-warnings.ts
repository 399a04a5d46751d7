import type { Database } from '../../database/database.js';
import { bodyFor } from '../../database/mysql/requirements.js';
import { statement } from '../../database/unit-of-work.js';
import type { Config } from '../config/config.js';

const SETTINGS = statement(
  'SELECT @@innodb_flush_log_at_trx_commit AS flush, @@log_bin AS binlog, @@sync_binlog AS sync, @@max_allowed_packet AS packet',
);

/**
 * Warnings about server settings, one line each: those that can lose
 * acknowledged writes, and a limit below that of request bodies.
 */
export async function serverWarnings(
  database: Database,
  { BODY_LIMIT }: Pick<Config, 'BODY_LIMIT'>,
): Promise<string[]> {
  if (database.isEmbedded) return [];
  const { flush, binlog, sync, packet } = await database.read(function* () {
    const { rows } = yield [SETTINGS];
    return rows[0]!;
  });
  const warnings = [];
  if (Number(flush) !== 1) {
    warnings.push(
      `The server can lose acknowledged writes: innodb_flush_log_at_trx_commit is ${Number(flush)}, not 1`,
    );
  }
  if (Number(binlog) === 1 && Number(sync) !== 1) {
    warnings.push(
      `The server can lose acknowledged writes: sync_binlog is ${Number(sync)}, not 1`,
    );
  }
  const most = bodyFor(Number(packet));
  if (most < BODY_LIMIT) {
    warnings.push(
      `Bodies of more than ${most} bytes may get 413, although BODY_LIMIT is ${BODY_LIMIT}: max_allowed_packet is ${Number(packet)}`,
    );
  }
  return warnings;
}
