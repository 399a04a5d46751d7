import { copyFileSync, renameSync, rmSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { sqliteDataSource } from '../../src/index.js';
import { temporaryDirectory } from '../support/temporary-directory.js';
import { startTestService } from '../support/test-service.js';

const CREATE = {
  method: 'POST',
  headers: { 'content-type': 'application/json' },
  body: '{}',
};

async function startOn(file: string) {
  const service = await startTestService({ DATABASE_URL: `sqlite:${file}` });
  const create = async () => {
    const response = await fetch(`${service.url}/api/chat-sessions`, CREATE);
    const { code } = (await response.json()) as { code?: string };
    return [response.status, code];
  };
  const ready = async () => (await fetch(`${service.url}/health/ready`)).status;
  return { service, create, ready };
}

/** A file without the latest migration. */
async function createOldFile(file: string): Promise<void> {
  const dataSource = await sqliteDataSource(file).initialize();
  await dataSource.runMigrations();
  await dataSource.undoLastMigration();
  await dataSource.destroy();
}

describe.each<[string, (file: string) => void]>([
  ['is deleted', (file) => rmSync(file)],
  ['is moved away', (file) => renameSync(file, `${file}.old`)],
  [
    'is replaced by a backup',
    (file) => {
      copyFileSync(file, `${file}.backup`);
      renameSync(`${file}.backup`, file);
    },
  ],
  ['loses its log', (file) => rmSync(`${file}-wal`)],
])('a file that %s', (_, happens) => {
  it('gets no more writes, and the service is not ready', async () => {
    const file = join(temporaryDirectory(), 'chat.sqlite');
    const { service, create, ready } = await startOn(file);
    expect(await create()).toEqual([201, undefined]);
    expect(await ready()).toBe(200);
    happens(file);
    expect(await create()).toEqual([503, 'store_unusable']);
    expect(await ready()).toBe(503);
    const { stderr } = await service.stop();
    expect(stderr).toContain('was moved, replaced or deleted');
  });
});

it('a damaged file is 503, not 500', async () => {
  const file = join(temporaryDirectory(), 'chat.sqlite');
  const { service, create } = await startOn(file);
  for (let i = 0; i < 20; i++) await create();
  await service.stop();
  const damaged = await startOn(file);
  truncateSync(file, 8192);
  expect(await damaged.create()).toEqual([503, 'store_unusable']);
});

it.each([
  ['a new file', async () => undefined],
  ['a file of the version before', createOldFile],
])('processes that start together on %s all start', async (_, createFile) => {
  const file = join(temporaryDirectory(), 'new', 'chat.sqlite');
  await createFile(file);
  const services = await Promise.all(
    Array.from({ length: 6 }, () => startOn(file)),
  );
  for (const { create } of services) {
    expect(await create()).toEqual([201, undefined]);
  }
});
