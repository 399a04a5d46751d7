import { execFileSync } from 'node:child_process';
import { cpSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { run } from '../../src/app/run.js';
import { assemble, PACKAGES, ROOT, writeJson } from './assemble.js';

const USAGE = `Usage: npm run pack

Builds the service, the module and the client, and makes their tarballs in dist/packages.`;

const MAX_CLIENT_BYTES = 15_000;
const DIST = join(ROOT, 'dist');

await run(USAGE, async () => {
  execFileSync('npm', ['run', 'build'], { cwd: ROOT, stdio: 'inherit' });
  rmSync(PACKAGES, { recursive: true, force: true });

  const codeOfClient = { from: join(DIST, 'client'), entries: ['index'] };
  const client = await assemble('client', [
    { ...codeOfClient, format: 'esm', to: 'esm' },
    { ...codeOfClient, format: 'cjs', to: 'cjs' },
  ]);
  writeJson(join(client, 'cjs/package.json'), { type: 'commonjs' });

  const module = await assemble('module', [
    {
      from: DIST,
      entries: ['index', 'guards'],
      format: 'cjs',
      to: '.',
      // It is an ES module, which Jest cannot require.
      bundled: ['uuid'],
    },
  ]);
  const licence = join(ROOT, 'node_modules/uuid/LICENSE.md');
  cpSync(licence, join(module, 'LICENSE-uuid.md'));

  for (const directory of [client, module, ROOT]) {
    const args = ['pack', '--ignore-scripts', '--loglevel=error'];
    execFileSync('npm', [...args, '--pack-destination', PACKAGES], {
      cwd: directory,
      stdio: 'inherit',
    });
  }

  const code = readFileSync(join(client, 'esm/index.js'));
  const bytes = gzipSync(code).length;
  console.log(`The client has ${bytes} bytes after gzip`);
  if (bytes > MAX_CLIENT_BYTES) {
    throw new Error(`The client has more than ${MAX_CLIENT_BYTES} bytes`);
  }
});
