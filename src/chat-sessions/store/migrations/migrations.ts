import { CreateTables1795392000000 as MysqlCreateTables } from './mysql/1795392000000-create-tables.js';
import { AddRevisionsAndPurges1796000000000 as MysqlAddRevisionsAndPurges } from './mysql/1796000000000-add-revisions-and-purges.js';
import { AddTrees1796100000000 as MysqlAddTrees } from './mysql/1796100000000-add-trees.js';
import { AddRangePurges1796200000000 as MysqlAddRangePurges } from './mysql/1796200000000-add-range-purges.js';
import { WidenLimits1796300000000 as MysqlWidenLimits } from './mysql/1796300000000-widen-limits.js';
import { AddForks1796400000000 as MysqlAddForks } from './mysql/1796400000000-add-forks.js';
import { AddNewestIds1796500000000 as MysqlAddNewestIds } from './mysql/1796500000000-add-newest-ids.js';
import { AddRuns1796600000000 as MysqlAddRuns } from './mysql/1796600000000-add-runs.js';
import { CreateTables1795392000000 as SqliteCreateTables } from './sqlite/1795392000000-create-tables.js';
import { AddRevisionsAndPurges1796000000000 as SqliteAddRevisionsAndPurges } from './sqlite/1796000000000-add-revisions-and-purges.js';
import { AddTrees1796100000000 as SqliteAddTrees } from './sqlite/1796100000000-add-trees.js';
import { AddRangePurges1796200000000 as SqliteAddRangePurges } from './sqlite/1796200000000-add-range-purges.js';
import { WidenLimits1796300000000 as SqliteWidenLimits } from './sqlite/1796300000000-widen-limits.js';
import { AddForks1796400000000 as SqliteAddForks } from './sqlite/1796400000000-add-forks.js';
import { AddNewestIds1796500000000 as SqliteAddNewestIds } from './sqlite/1796500000000-add-newest-ids.js';
import { AddRuns1796600000000 as SqliteAddRuns } from './sqlite/1796600000000-add-runs.js';

/** For the `migrations` of a data source on MySQL or MariaDB. */
export const mysqlMigrations = [
  MysqlCreateTables,
  MysqlAddRevisionsAndPurges,
  MysqlAddTrees,
  MysqlAddRangePurges,
  MysqlWidenLimits,
  MysqlAddForks,
  MysqlAddNewestIds,
  MysqlAddRuns,
];

/** For the `migrations` of a data source on SQLite. */
export const sqliteMigrations = [
  SqliteCreateTables,
  SqliteAddRevisionsAndPurges,
  SqliteAddTrees,
  SqliteAddRangePurges,
  SqliteWidenLimits,
  SqliteAddForks,
  SqliteAddNewestIds,
  SqliteAddRuns,
];
