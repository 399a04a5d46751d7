import { execFileSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import {
  closeSync,
  copyFileSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { sqliteDataSource } from '../../src/index.js';
import type { ServiceProcess } from '../support/service-process.js';
import { temporaryDirectory } from '../support/temporary-directory.js';
import { startTestService } from '../support/test-service.js';

const PAGE_BYTES = 4096;
/** Beyond the cache of the connection, which would hide damage in the file. */
const LARGE_MESSAGES = 9;
const LARGE_BYTES = 900_000;

async function startOn(file: string) {
  const service = await startTestService({ DATABASE_URL: `sqlite:${file}` });
  const send = async (path: string, body?: object) => {
    const response = await fetch(`${service.url}${path}`, {
      method: body ? 'POST' : 'GET',
      headers: body && { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    return { status: response.status, body: await response.json() };
  };
  const outcomeOf = async (path: string, body?: object) => {
    const response = await send(path, body);
    return [response.status, (response.body as { code?: string }).code];
  };
  const create = (id?: string) => outcomeOf('/api/chat-sessions', { id });
  const ready = async () => (await send('/health/ready')).status;
  return { service, send, outcomeOf, create, ready };
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
  it('gets no more writes, and the service is not ready, but reads go on', async () => {
    const file = join(temporaryDirectory(), 'chat.sqlite');
    const { service, send, create, ready } = await startOn(file);
    const id = randomUUID();
    expect(await create(id)).toEqual([201, undefined]);
    expect(await ready()).toBe(200);
    happens(file);
    expect(await create()).toEqual([503, 'store_unusable']);
    expect(await ready()).toBe(503);
    for (const path of [`/api/chat-sessions/${id}`, '/api/chat-sessions']) {
      const read = await send(path);
      expect(read.status).toBe(200);
      expect(JSON.stringify(read.body)).toContain(id);
    }
    const { stderr } = await service.stop();
    expect(stderr).toContain('was moved, replaced or deleted');
  });
});

it('a file behind a link gets no more writes if it loses its log', async () => {
  const directory = temporaryDirectory();
  const file = join(directory, 'chat.sqlite');
  const link = join(directory, 'link.sqlite');
  symlinkSync(file, link);
  const { create } = await startOn(link);
  expect(await create()).toEqual([201, undefined]);
  rmSync(`${file}-wal`);
  expect(await create()).toEqual([503, 'store_unusable']);
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

/** Makes writes of a running process fail, as on a full disk, or work again. */
function limitFileSize({ process }: ServiceProcess, limit: string): void {
  execFileSync('prlimit', ['--pid', String(process.pid), `--fsize=${limit}:`]);
}

it('a full disk is 503 until there is space again, and loses nothing', async () => {
  const file = join(temporaryDirectory(), 'chat.sqlite');
  const { service, send, create, ready } = await startOn(file);
  const [before, during, after] = [randomUUID(), randomUUID(), randomUUID()];
  expect(await create(before)).toEqual([201, undefined]);

  limitFileSize(service, '0');
  for (let i = 0; i < 3; i++) {
    expect(await create(during)).toEqual([503, 'store_unusable']);
    expect(await ready()).toBe(503);
  }
  expect((await send(`/api/chat-sessions/${before}`)).status).toBe(200);
  expect((await send(`/api/chat-sessions/${during}`)).status).toBe(404);

  limitFileSize(service, 'unlimited');
  expect(await ready()).toBe(200);
  expect(await create(after)).toEqual([201, undefined]);
  const { stdout, stderr } = await service.stop();
  expect(
    stderr.match(/chat\.sqlite cannot be used: disk I\/O error/g),
  ).toHaveLength(1);
  expect(stdout.match(/chat\.sqlite can be used again/g)).toHaveLength(1);

  const next = await startOn(file);
  const statuses = [before, during, after].map(
    async (id) => (await next.send(`/api/chat-sessions/${id}`)).status,
  );
  expect(await Promise.all(statuses)).toEqual([200, 404, 200]);
});

/** A file with a session of large messages, which begins with one of the letter a, and a small one. */
async function createFileWithLargeSession(file: string) {
  const { service, send } = await startOn(file);
  const [large, small] = [randomUUID(), randomUUID()];
  await send('/api/chat-sessions', { id: large });
  for (let n = 0; n < LARGE_MESSAGES; n++) {
    const content = (n === 0 ? 'a' : 'b').repeat(LARGE_BYTES);
    const message = { role: 'user', content };
    const path = `/api/chat-sessions/${large}/messages`;
    expect((await send(path, message)).status).toBe(201);
  }
  await send('/api/chat-sessions', { id: small });
  await service.stop();
  return {
    large: `/api/chat-sessions/${large}/messages?after=0&limit=1`,
    small: `/api/chat-sessions/${small}`,
  };
}

/** Overwrites a page of the message of the letter a. Each has the number of the next before its text. */
function damage(file: string): void {
  const text = readFileSync(file).indexOf('a'.repeat(PAGE_BYTES - 4));
  expect(text).toBeGreaterThan(0);
  const descriptor = openSync(file, 'r+');
  writeSync(
    descriptor,
    Buffer.alloc(PAGE_BYTES, 0xff),
    0,
    PAGE_BYTES,
    text - 4,
  );
  closeSync(descriptor);
}

it('damage that a request meets is 503, ends all writes, and leaves other reads', async () => {
  const file = join(temporaryDirectory(), 'chat.sqlite');
  const { large, small } = await createFileWithLargeSession(file);
  const { service, outcomeOf, create, ready } = await startOn(file);
  damage(file);
  expect(await create()).toEqual([201, undefined]);
  expect(await outcomeOf(large)).toEqual([503, 'store_unusable']);
  expect(await ready()).toBe(503);
  expect(await create()).toEqual([503, 'store_unusable']);
  expect(await outcomeOf(small)).toEqual([200, undefined]);
  const { stderr } = await service.stop();
  expect(stderr).toMatch(
    /chat\.sqlite cannot be used: database disk image is malformed. Restore a backup and restart the service"/,
  );
});

it('damage is found at the start', async () => {
  const file = join(temporaryDirectory(), 'chat.sqlite');
  const { small } = await createFileWithLargeSession(file);
  damage(file);
  const { service, outcomeOf, create, ready } = await startOn(file);
  expect(await ready()).toBe(503);
  expect(await create()).toEqual([503, 'store_unusable']);
  expect(await outcomeOf(small)).toEqual([200, undefined]);
  const { stderr } = await service.stop();
  expect(stderr).toMatch(
    /chat\.sqlite cannot be used: \*\*\* in database main .+ Restore a backup and restart the service"/,
  );
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
