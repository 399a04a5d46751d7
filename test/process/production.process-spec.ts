import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { filesOf, install } from '../support/embedding/packages.js';
import { PATIENCE } from '../support/patience.js';
import {
  listening,
  NodeProcess,
  ROOT,
  startProd,
} from '../support/service-process.js';
import { temporaryDirectory } from '../support/temporary-directory.js';
import { runNode } from '../support/test-service.js';

it('is packed with the service, and without what only the repository needs', async () => {
  const files = await filesOf('chat-sessions');
  expect(files).toContain('dist/migrate.js');
  const others = files.filter((file) => !/^dist\/.+\.js$/.test(file));
  expect(others).toEqual(['LICENSE', 'README.md', 'package.json']);
  const ofRepository =
    /^dist\/(?:client|packages|index|guards|app\/openapi\/write)\b|spec/;
  expect(files.filter((file) => ofRepository.test(file))).toEqual([]);
});

it('runs from its package', async () => {
  const directory = temporaryDirectory();
  await install(directory, { packed: ['chat-sessions'] });
  const root = join(directory, 'node_modules/chat-sessions');
  const command = startProd(root);
  const environment = { ...PATIENCE, PORT: '0', NODE_DEBUG: 'module' };
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
    'chat-sessions',
    'file-uri-to-path',
    'swagger-ui-dist',
  ]);
  const bundle = join(root, 'dist/service');
  for (const name of readdirSync(bundle)) {
    if (!name.endsWith('.js')) continue;
    // One such character would make V8 store the whole text with two bytes a character.
    const text = readFileSync(join(bundle, name), 'utf8');
    expect(/[\u0100-\uffff]/.test(text), name).toBe(false);
  }
  const { sources } = JSON.parse(
    readFileSync(join(ROOT, 'dist/service/main.js.map'), 'utf8'),
  ) as { sources: string[] };
  expect(sources).toContain('../../src/main.ts');
  // A bundler renames one of two classes with the same name.
  const document = await fetch(`${url}/api/docs-json`);
  expect(await document.json()).toEqual(
    JSON.parse(readFileSync(join(ROOT, 'openapi.json'), 'utf8')),
  );

  const migrate = [join(root, 'dist/migrate.js')];
  const store = { DATABASE_URL: 'sqlite:chats.sqlite' };
  expect((await runNode(migrate, store, directory)).exitCode).toBe(0);
}, 900_000);
