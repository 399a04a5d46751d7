import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { installForProduction } from '../support/embedding/applications.js';
import {
  listening,
  NodeProcess,
  ROOT,
  startProd,
} from '../support/service-process.js';
import { temporaryDirectory } from '../support/temporary-directory.js';

it('runs without its development dependencies', async () => {
  const directory = temporaryDirectory();
  await installForProduction(directory);
  const command = startProd(directory);
  const environment = { PORT: '0', NODE_DEBUG: 'module' };
  const service = new NodeProcess(command, environment, directory);
  onTestFinished(async () => {
    await service.stop();
  });
  const { url } = await listening(service);
  for (const path of ['/health/ready', '/api/docs', '/api/history']) {
    expect((await fetch(url + path)).status, path).toBe(200);
  }
  // Packages inside the bundle are not loaded a second time.
  const loaded = service.stderr.matchAll(
    /load ".*node_modules\/((?:@[^/"]+\/)?[^/"]+)/g,
  );
  expect([...new Set(Array.from(loaded, ([, name]) => name!))].sort()).toEqual([
    'better-sqlite3',
    'bindings',
    'file-uri-to-path',
    'swagger-ui-dist',
  ]);
  const bundle = join(directory, 'dist/service');
  for (const name of readdirSync(bundle)) {
    if (!name.endsWith('.js')) continue;
    // One such character would make V8 store the whole text with two bytes a character.
    const text = readFileSync(join(bundle, name), 'utf8');
    expect(/[\u0100-\uffff]/.test(text), name).toBe(false);
  }
  const { sources } = JSON.parse(
    readFileSync(join(bundle, 'main.js.map'), 'utf8'),
  ) as { sources: string[] };
  expect(sources).toContain('../../src/main.ts');
  // A bundler renames one of two classes with the same name.
  const document = await fetch(`${url}/api/docs-json`);
  expect(await document.json()).toEqual(
    JSON.parse(readFileSync(join(ROOT, 'openapi.json'), 'utf8')),
  );
}, 900_000);
