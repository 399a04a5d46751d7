import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { pathDirectories, which } from './which.js';

/** Directories of servers that are not on every user's PATH. */
const SERVER_DIRECTORIES = [
  '/usr/sbin',
  '/usr/local/sbin',
  '/usr/libexec',
  '/usr/local/libexec',
  '/opt/homebrew/bin',
];

/** root has no password, over TCP too. */
const INSTALL = [
  '--auth-root-authentication-method=normal',
  '--skip-test-db',
  '--skip-name-resolve',
];
const COMMON = [
  '--bind-address=127.0.0.1',
  '--character-set-server=utf8mb4',
  '--innodb-buffer-pool-size=64M',
  '--performance-schema=OFF',
  '--local-infile=0',
  '--default-time-zone=+00:00',
];
const MARIADB = ['--skip-name-resolve', '--innodb-log-file-size=48M'];
/**
 * No --skip-name-resolve: with it MySQL refuses 127.0.0.1, because its only
 * account is root@localhost. The X protocol would open a second port.
 */
const MYSQL = ['--loose-mysqlx=OFF'];
const FAST = [
  '--innodb-flush-log-at-trx-commit=0',
  '--innodb-flush-method=nosync',
  '--innodb-doublewrite=0',
  '--skip-log-bin',
];
const DURABLE = [
  '--innodb-flush-log-at-trx-commit=1',
  '--log-bin=binlog',
  '--binlog-format=ROW',
  '--sync-binlog=1',
  '--server-id=1',
];

export interface MysqlCommand {
  file: string;
  args: string[];
}

export interface MysqlAccount {
  name: string;
  uid: number;
  gid: number;
}

export interface MysqlPlace {
  /** Holds the data, the socket and the pid file. */
  directory: string;
  port: number;
  account: MysqlAccount | undefined;
  durable: boolean;
}

/** The path of a MariaDB server, or else a MySQL server, or null. */
export function findMysqlServer(): string | null {
  return which(
    ['mariadbd', 'mysqld'],
    [...pathDirectories(), ...SERVER_DIRECTORIES],
  );
}

/**
 * The account of the server: undefined unless this process is root. The servers
 * refuse to run as root, and change to the account that their packages create.
 * That account must own the server's directory.
 */
export function mysqlAccount(): MysqlAccount | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const id = (flag: string): number =>
    Number(execFileSync('id', [flag, 'mysql'], { encoding: 'utf8' }));
  return { name: 'mysql', uid: id('-u'), gid: id('-g') };
}

/**
 * The commands that create a server's data and start it. They differ between
 * MariaDB and MySQL. Only the version tells the two apart: either binary may be
 * called `mysqld`.
 */
export function mysqlCommands(
  binary: string,
  { directory, port, account, durable }: MysqlPlace,
): { initialize: MysqlCommand; serve: MysqlCommand } {
  const version = execFileSync(binary, ['--no-defaults', '--version']);
  const isMariaDb = version.includes('MariaDB');
  const base = ['--no-defaults', `--datadir=${join(directory, 'data')}`];
  if (account) base.push(`--user=${account.name}`);
  const serve = [
    ...base,
    `--port=${port}`,
    `--socket=${join(directory, 'socket')}`,
    `--pid-file=${join(directory, 'pid')}`,
    ...COMMON,
    ...(isMariaDb ? MARIADB : MYSQL),
    ...(durable ? DURABLE : FAST),
  ];
  return {
    initialize: isMariaDb
      ? { file: mariadbInstaller(binary), args: [...base, ...INSTALL] }
      : { file: binary, args: [...base, '--initialize-insecure'] },
    serve: { file: binary, args: serve },
  };
}

function mariadbInstaller(binary: string): string {
  const beside = dirname(binary);
  const script = which(
    ['mariadb-install-db', 'mysql_install_db'],
    [
      beside,
      join(beside, '../bin'),
      join(beside, '../scripts'),
      ...pathDirectories(),
    ],
  );
  if (!script) throw new Error(`No mariadb-install-db was found for ${binary}`);
  return script;
}

/** The path of Galera's library, which Debian installs with galera-4, or null. */
export function findGalera(): string | null {
  return (
    ['/usr/lib/galera', '/usr/lib64/galera-4', '/usr/lib64/galera']
      .map((directory) => join(directory, 'libgalera_smm.so'))
      .find((file) => existsSync(file)) ?? null
  );
}
