import { expect, it, vi } from 'vitest';
import { LargeReads } from '../../src/chat-sessions/store/large-reads.js';
import { PlacedMessagesRepository } from '../../src/chat-sessions/store/placed-messages.repository.js';
import { Database } from '../../src/database/database.js';
import { statement } from '../../src/database/unit-of-work.js';
import {
  append,
  createSession,
  numbers,
  type Session,
} from '../support/api.js';
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

it.each([
  ['caches', 500, 1],
  ['does not cache', 520, 2],
])('%s a session of %i KiB', async (_, kibibytes, reads) => {
  const { id } = await createSession(api);
  const content = 'x'.repeat(kibibytes * 1024);
  await append(api, id, { role: 'user', content });
  const page = vi.spyOn(api.app.get(PlacedMessagesRepository), 'page');
  page.mockClear();
  for (let times = 0; times < 2; times++) {
    const response = await api.send('GET', `/api/chat-sessions/${id}`);
    expect(response.text).toContain(content);
  }
  expect(page).toHaveBeenCalledTimes(reads);
});

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

it('applies to writes whose response has messages', async () => {
  const section = '/api/documents/handbook/sections/3/chat-session';
  const { body } = await api.send<{ chat_session: Session }>('POST', section);
  const { id } = body.chat_session;
  for (let times = 0; times < 2; times++) {
    await append(api, id, { role: 'user', content: 'x'.repeat(1024 * 1024) });
  }
  const write = vi.spyOn(api.app.get(Database), 'write');
  for (const [method, path, sent] of [
    ['PATCH', `/api/chat-sessions/${id}`, { pinned: true }],
    ['POST', '/api/chat-sessions', { id }],
    ['POST', section, undefined],
  ] as const) {
    write.mockClear();
    const response = await api.send<{ chat_session: Session }>(
      method,
      path,
      sent,
    );
    expect(response.status, path).toBe(200);
    expect(response.body.chat_session.messages).toHaveLength(2);
    expect(write.mock.calls.length, path).toBe(2);
  }
  const { body: read } = await api.send<{ chat_session: Session }>(
    'GET',
    `/api/chat-sessions/${id}`,
  );
  expect(read.chat_session.pinned).toBe(true);
});

it('repeats no write that reads little', async () => {
  const { id } = await createSession(api, {}, 50);
  const write = vi.spyOn(api.app.get(Database), 'write');
  write.mockClear();
  await api.send('PATCH', `/api/chat-sessions/${id}`, { pinned: true });
  expect(write).toHaveBeenCalledTimes(1);
});

it('does not read stored messages that are larger than those that repeat their ids', async () => {
  const { id } = await createSession(api);
  const ids = numbers(1, 3).map(String);
  for (const one of ids) {
    await append(api, id, {
      id: one,
      role: 'user',
      content: 'x'.repeat(1024 * 1024),
    });
  }
  const find = vi.spyOn(api.app.get(PlacedMessagesRepository), 'findAll');
  const messages = ids.map((one) => ({ id: one, role: 'user', content: 'x' }));
  const response = await append(api, id, { messages });
  expect(response.status).toBe(409);
  expect(response.body).toMatchObject({ code: 'message_id_taken' });
  expect(find).not.toHaveBeenCalled();
});

it('knows large messages that are sent again, however their numbers are written', async () => {
  const { id } = await createSession(api);
  const numbersOf = (one: string) => Array(80_000).fill(one).join(',');
  const messages = ['0.000000', '-0.0', '1.00000000000000000'].map(
    (one, index) =>
      `{"id":"n${index}","role":"user","parts":[{"type":"data","n":[${numbersOf(one)}]}]}`,
  );
  const path = `/api/chat-sessions/${id}/messages`;
  const body = `{"messages":[${messages.join(',')}]}`;
  const first = await api.send('POST', path, body);
  const second = await api.send('POST', path, body);
  expect([first.status, second.status]).toEqual([201, 200]);
  expect(second.text).toBe(first.text);
});

it('applies to pages, sessions, single messages, the history and lists', async () => {
  const context_documents = numbers(1, 100).map((n) =>
    `${n}`.padEnd(1024, 'x'),
  );
  for (let sessions = 0; sessions < 12; sessions++) {
    await createSession(api, { context_documents });
  }
  const { id } = await createSession(api, { context_documents });
  await append(api, id, {
    id: 'large',
    role: 'user',
    content: 'x'.repeat(1024 * 1024),
  });
  const read = vi.spyOn(api.app.get(Database), 'read');
  for (const path of [
    `/api/chat-sessions/${id}`,
    `/api/chat-sessions/${id}/messages`,
    `/api/chat-sessions/${id}/messages/large`,
    '/api/history',
    '/api/chat-sessions',
  ]) {
    read.mockClear();
    expect((await api.send('GET', path)).status).toBe(200);
    expect(read.mock.calls.length, path).toBe(2);
  }
});
