/**
 * Preload: kills the process with SIGKILL before its next statement, once it has
 * run KILL_AFTER statements that change something.
 */
import Sqlite from 'better-sqlite3';
import mysql from 'mysql2';

const limit = Number(process.env.KILL_AFTER);
let done = 0;

function before(sql: string): void {
  if (done === limit) process.kill(process.pid, 'SIGKILL');
  if (!/^\s*(SELECT|SHOW|SET|PRAGMA)\b/i.test(sql)) done++;
}

/** Calls `before` with the statement that is the first argument of a method. */
function intercept(prototype: object, method: string): void {
  const original = Reflect.get(prototype, method) as () => unknown;
  Reflect.set(
    prototype,
    method,
    function (this: object, ...args: [string | { sql: string }]) {
      const [first] = args;
      before(typeof first === 'string' ? first : first.sql);
      return Reflect.apply(original, this, args);
    },
  );
}

intercept(mysql.Connection.prototype, 'query');
intercept(Sqlite.prototype, 'prepare');
