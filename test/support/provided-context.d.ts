import 'vitest';

declare module 'vitest' {
  /** Values that a project of vitest.config.ts provides to `inject(key)`. */
  export interface ProvidedContext {
    /** The store of this run. */
    store: 'sqlite' | 'mysql';
    /** The server's URL without a database: `mysql://root@host:port/`. Only if `store` is `mysql`. */
    mysqlUrl: string;
  }
}
