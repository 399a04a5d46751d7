import { CreateTables1795392000000 as MysqlCreateTables } from './mysql/1795392000000-create-tables.js';
import { CreateTables1795392000000 as SqliteCreateTables } from './sqlite/1795392000000-create-tables.js';

/** For the `migrations` of a data source on MySQL or MariaDB. */
export const mysqlMigrations = [MysqlCreateTables];

/** For the `migrations` of a data source on SQLite. */
export const sqliteMigrations = [SqliteCreateTables];
