import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { format, resolveConfig } from 'prettier';
import { run } from '../../src/app/run.js';
import { withMap } from './page.js';
import { ROOT, sourceFiles } from './source-files.js';

const USAGE = `Usage: npm run docs:map

Writes the map of src in docs/architecture.md, from the imports.`;

await run(USAGE, async () => {
  const path = join(ROOT, 'docs/architecture.md');
  const page = withMap(readFileSync(path, 'utf8'), sourceFiles());
  const options = { ...(await resolveConfig(path)), filepath: path };
  writeFileSync(path, await format(page, options));
});
