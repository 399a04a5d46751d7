import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { defineConfig, type Plugin } from 'rolldown';

const DIST = join(import.meta.dirname, 'dist');

/** Passes the compiler's source maps on, so that stack traces name files of src. */
const compilerMaps: Plugin = {
  name: 'compiler maps',
  load(id) {
    if (!id.startsWith(DIST)) return null;
    return {
      code: readFileSync(id, 'utf8'),
      map: readFileSync(`${id}.map`, 'utf8'),
    };
  },
};

/**
 * Replaces a file of Nest that looks for two classes of an older TypeORM with a
 * `require` that no bundler sees. It would load a second TypeORM from node_modules.
 */
const withoutOldTypeorm: Plugin = {
  name: 'without old typeorm',
  load(id) {
    if (!id.endsWith('/@nestjs/typeorm/dist/common/typeorm-compat.js')) {
      return null;
    }
    return 'export const Connection = undefined, AbstractRepository = undefined;';
  },
};

/** Bundles the service into a few files: see docs/decisions.md, "The service is bundled". */
export default defineConfig({
  input: 'dist/main.js',
  output: {
    dir: 'dist/service',
    sourcemap: true,
    // V8 keeps the source in memory, with two bytes a character if one is not Latin-1.
    charset: 'ascii',
    comments: { legal: true, jsdoc: false, annotation: false },
  },
  platform: 'node',
  plugins: [compilerMaps, withoutOldTypeorm],
  // Stay in node_modules: one is native, the files of the other are served.
  external: ['better-sqlite3', /^swagger-ui-dist/],
  onLog(level, log, handle) {
    // Nest and TypeORM import many optional packages that are not installed.
    const isDependency = log.id?.includes('node_modules');
    if (log.code !== 'UNRESOLVED_IMPORT' || !isDependency) handle(level, log);
  },
});
