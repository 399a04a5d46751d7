import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { defineConfig, type Plugin } from 'rolldown';

const DIST = join(import.meta.dirname, 'dist');

/** Stack traces are to name src, and not what the compiler has made of it. */
const mapsOfCompiler: Plugin = {
  name: 'maps of the compiler',
  load(id) {
    if (!id.startsWith(DIST)) return null;
    return {
      code: readFileSync(id, 'utf8'),
      map: readFileSync(`${id}.map`, 'utf8'),
    };
  },
};

/**
 * Nest asks TypeORM for two classes that it no longer has, by a `require` that
 * no bundler sees: a second TypeORM would be loaded, from node_modules.
 */
const noOldTypeorm: Plugin = {
  name: 'no old typeorm',
  load(id) {
    if (!id.endsWith('/@nestjs/typeorm/dist/common/typeorm-compat.js')) {
      return null;
    }
    return 'export const Connection = undefined, AbstractRepository = undefined;';
  },
};

/** The service as a few files: see docs/decisions.md, "The service is bundled". */
export default defineConfig({
  input: 'dist/main.js',
  output: {
    dir: 'dist/service',
    sourcemap: true,
    // V8 keeps the text, and twice as large where a letter is not of Latin-1.
    charset: 'ascii',
    comments: { legal: true, jsdoc: false, annotation: false },
  },
  platform: 'node',
  plugins: [mapsOfCompiler, noOldTypeorm],
  // The one is native, the other served as files, from node_modules both.
  external: ['better-sqlite3', /^swagger-ui-dist/],
  onLog(level, log, handle) {
    // Nest and TypeORM look for many packages that the service does without.
    const isTheirs = log.id?.includes('node_modules');
    if (log.code !== 'UNRESOLVED_IMPORT' || !isTheirs) handle(level, log);
  },
});
