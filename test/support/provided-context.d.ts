import 'vitest';

declare module 'vitest' {
  /** What a project of vitest.config.ts tells its test files; `inject(key)`. */
  export interface ProvidedContext {
    /** The store that this run of the file is for. */
    store: 'sqlite' | 'mysql';
    /**
     * Where the server listens, without a database: `mysql://root@host:port/`.
     * Provided only where `store` is `mysql`.
     */
    mysqlUrl: string;
  }
}
