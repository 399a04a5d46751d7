import { defineConfig } from 'rolldown';

/** The service as a few files: see docs/decisions.md, "The service is bundled". */
export default defineConfig({
  input: 'dist/main.js',
  output: { dir: 'dist/service', sourcemap: true },
  platform: 'node',
  // The one is native, the other served as files.
  external: ['better-sqlite3', /^swagger-ui-dist/],
  onLog(level, log, handle) {
    // Nest and TypeORM look for many packages that the service does without.
    if (log.code !== 'UNRESOLVED_IMPORT') handle(level, log);
  },
});
