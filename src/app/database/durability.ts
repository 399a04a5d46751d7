import type { DataSource } from 'typeorm';

interface Settings {
  flush: number;
  binlog: number;
  sync: number;
}

/** Warnings about server settings that can lose acknowledged writes, one line each. */
export async function durabilityWarnings(
  dataSource: DataSource,
): Promise<string[]> {
  if (dataSource.options.type === 'better-sqlite3') return [];
  const [settings] = await dataSource.query<Settings[]>(
    'SELECT @@innodb_flush_log_at_trx_commit AS flush, @@log_bin AS binlog, @@sync_binlog AS sync',
  );
  const { flush, binlog, sync } = settings!;
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
  return warnings;
}
