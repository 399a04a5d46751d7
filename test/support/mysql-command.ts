import { execFileSync } from 'node:child_process';
import { accessSync, constants, existsSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';

/** Common installation directories that are not on every user's PATH. */
const SERVER_DIRECTORIES = [
  '/usr/sbin',
  '/usr/local/sbin',
  '/usr/libexec',
  '/usr/local/libexec',
  '/opt/homebrew/bin',
];

/** Root needs no password, over TCP either. */
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
 * No --skip-name-resolve: MySQL's only account is root@localhost, so it would
 * refuse 127.0.0.1. The X protocol would open a second port.
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

/** The path of a MariaDB server, or else of a MySQL server, or null. */
export function findMysqlServer(): string | null {
  return find(['mariadbd', 'mysqld'], [...path(), ...SERVER_DIRECTORIES]);
}

/**
 * The account of the server process: undefined for the current user. The
 * servers refuse to run as root. If root starts one, it switches to the account
 * `mysql`, which the packages create and which must own the directory.
 */
export function mysqlAccount(): MysqlAccount | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const id = (flag: string): number =>
    Number(execFileSync('id', [flag, 'mysql'], { encoding: 'utf8' }));
  return { name: 'mysql', uid: id('-u'), gid: id('-g') };
}

/**
 * The commands that create a server's data and start it. They differ between
 * MariaDB and MySQL. The version tells the two apart; the name does not, since
 * both may be called `mysqld`.
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
  const script = find(
    ['mariadb-install-db', 'mysql_install_db'],
    [beside, join(beside, '../bin'), join(beside, '../scripts'), ...path()],
  );
  if (!script) throw new Error(`No mariadb-install-db was found for ${binary}`);
  return script;
}

function path(): string[] {
  return process.env.PATH?.split(delimiter) ?? [];
}

/** The path of Galera's library (Debian: galera-4), or null. */
export function findGalera(): string | null {
  return (
    ['/usr/lib/galera', '/usr/lib64/galera-4', '/usr/lib64/galera']
      .map((directory) => join(directory, 'libgalera_smm.so'))
      .find((file) => existsSync(file)) ?? null
  );
}

function find(names: string[], directories: string[]): string | null {
  return (
    names
      .flatMap((name) => directories.map((directory) => join(directory, name)))
      .find(isExecutable) ?? null
  );
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
