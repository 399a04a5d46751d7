import type { DataSource } from 'typeorm';
import type { Config } from '../config/config.js';

interface Settings {
  flush: number;
  binlog: number;
  sync: number;
  packet: number;
}

/** A body's quotes and backslashes are escaped, and its message has other columns. */
const PACKET_PER_BODY = 2;
const OTHER_COLUMNS_BYTES = 64 * 1024;

/**
 * Warnings about server settings, one line each: those that can lose
 * acknowledged writes, and a limit below that of request bodies.
 */
export async function serverWarnings(
  dataSource: DataSource,
  { BODY_LIMIT }: Pick<Config, 'BODY_LIMIT'>,
): Promise<string[]> {
  if (dataSource.options.type === 'better-sqlite3') return [];
  const [settings] = await dataSource.query<Settings[]>(
    'SELECT @@innodb_flush_log_at_trx_commit AS flush, @@log_bin AS binlog, @@sync_binlog AS sync, @@max_allowed_packet AS packet',
  );
  const { flush, binlog, sync, packet } = settings!;
  const warnings = [];
  if (Number(flush) !== 1) {
    warnings.push(
      `The server can lose acknowledged writes: innodb_flush_log_at_trx_commit is ${flush}, not 1`,
    );
  }
  if (Number(binlog) === 1 && Number(sync) !== 1) {
    warnings.push(
      `The server can lose acknowledged writes: sync_binlog is ${sync}, not 1`,
    );
  }
  const most = PACKET_PER_BODY * BODY_LIMIT + OTHER_COLUMNS_BYTES;
  if (Number(packet) < most) {
    warnings.push(
      `Bodies within BODY_LIMIT may get 413: max_allowed_packet is ${packet}, less than ${most}`,
    );
  }
  return warnings;
}
