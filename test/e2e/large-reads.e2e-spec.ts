import { expect, it, vi } from 'vitest';
import { LargeReads } from '../../src/chat-sessions/store/large-reads.js';
import { ResponseCache } from '../../src/chat-sessions/writes/response-cache.js';
import { Database } from '../../src/database/database.js';
import { statement } from '../../src/database/unit-of-work.js';
import { append, createSession, numbers } from '../support/api.js';
import { inParallel } from '../support/parallel.js';
import { useTestApp } from '../support/test-app.js';

const LARGE = 2 * 1024 * 1024;

const api = useTestApp({ environment: { CACHE: 'validated' } });

/** The most reads of a size that had begun and were not answered, of 20. */
async function mostAtOnce(bytes: number): Promise<number> {
  const reads = api.app.get(LargeReads);
  let open = 0;
  let most = 0;
  await inParallel(20, async () => {
    await reads.read(function* (admit) {
      admit(bytes);
      most = Math.max(most, ++open);
      yield [statement('SELECT 1')];
    });
    open--;
  });
  return most;
}

it('runs large reads one after the other', async () => {
  expect(await mostAtOnce(LARGE)).toBe(1);
});

it('runs small reads as they come', async () => {
  expect(await mostAtOnce(100)).toBeGreaterThan(2);
});

it('hands on what the work throws', async () => {
  const read = api.app.get(LargeReads).read(function* (admit) {
    admit(LARGE);
    yield [statement('SELECT 1')];
    throw new Error('on purpose');
  });
  await expect(read).rejects.toThrow('on purpose');
});

it('applies to pages, sessions, the history and lists', async () => {
  const context_documents = numbers(1, 100).map((n) =>
    `${n}`.padEnd(1024, 'x'),
  );
  for (let sessions = 0; sessions < 12; sessions++) {
    await createSession(api, { context_documents });
  }
  const { id } = await createSession(api, { context_documents });
  await append(api, id, { role: 'user', content: 'x'.repeat(1024 * 1024) });
  const read = vi.spyOn(api.app.get(Database), 'read');
  for (const path of [
    `/api/chat-sessions/${id}`,
    `/api/chat-sessions/${id}/messages`,
    '/api/history',
    '/api/chat-sessions',
  ]) {
    read.mockClear();
    expect((await api.send('GET', path)).status).toBe(200);
    expect(read.mock.calls.length, path).toBe(2);
  }
});

it('reads a session once for all who wait for it', async () => {
  const { id } = await createSession(api);
  for (let times = 0; times < 2; times++) {
    await append(api, id, { role: 'user', content: 'x'.repeat(1024 * 1024) });
  }
  const serialized = vi.spyOn(api.app.get(ResponseCache), 'complete');
  await inParallel(20, async () => {
    const { status } = await api.send('GET', `/api/chat-sessions/${id}`);
    expect(status).toBe(200);
  });
  expect(serialized).toHaveBeenCalledTimes(1);
});
