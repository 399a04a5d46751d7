import { describe, inject } from 'vitest';

/** The store of this run of the test files. */
export const STORE = inject('store');

/** The value for the store of this run. */
export function perStore<T>(values: { sqlite: T; mysql: T }): T {
  return values[STORE];
}

/** `onMysql.describe`: tests of MySQL alone, which a run on SQLite does not register. */
export const onMysql = on('mysql');

/** `onSqlite.describe`: tests of SQLite alone, which a run on MySQL does not register. */
export const onSqlite = on('sqlite');

function on(store: typeof STORE) {
  return {
    describe(name: string, tests: () => void): void {
      if (store === STORE) describe(name, tests);
    },
  };
}
