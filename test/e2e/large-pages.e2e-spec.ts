import { beforeAll, describe, expect, it } from 'vitest';
import {
  append,
  createSession,
  getPage,
  type SessionList,
} from '../support/api.js';
import { type TestResponse, useTestApp } from '../support/test-app.js';

const MIB = 1024 * 1024;
/** About 300 kB for each session. */
const DOCUMENTS = Array.from({ length: 100 }, (_, n) =>
  `${n}`.padEnd(1024, '語'),
);
const SESSIONS = 30;

const api = useTestApp();

beforeAll(async () => {
  for (let n = 0; n < SESSIONS; n++) {
    await createSession(api, { context_documents: n % 3 ? DOCUMENTS : [] });
  }
});

describe('a page of sessions with large context documents', () => {
  it.each([20, 100])(
    'ends early at 4 MiB, and the next page goes on, with limit=%i',
    async (limit) => {
      const found: SessionList['chat_sessions'] = [];
      const path = `/api/chat-sessions?limit=${limit}`;
      let cursor: string | null = '';
      while (cursor !== null) {
        const response: TestResponse<SessionList> = await api.send(
          'GET',
          cursor ? `${path}&cursor=${cursor}` : path,
        );
        expect(response.status).toBe(200);
        expect(Buffer.byteLength(response.text)).toBeLessThan(4.1 * MIB);
        const { chat_sessions, next_cursor } = response.body;
        expect(chat_sessions.length).toBeGreaterThan(5);
        found.push(...chat_sessions);
        cursor = next_cursor;
      }
      expect(new Set(found.map(({ id }) => id)).size).toBe(SESSIONS);
      expect(found).toHaveLength(SESSIONS);
      for (const { context_documents } of found) {
        expect([[], DOCUMENTS]).toContainEqual(context_documents);
      }
    },
  );
});

describe('a page of messages with many small values', () => {
  it('ends early, since they take much memory', async () => {
    const { id } = await createSession(api);
    // 200 kB of JSON with 100,000 values.
    const parts = [{ type: 'x', n: Array.from({ length: 100_000 }, () => 0) }];
    for (let n = 0; n < 3; n++) {
      await append(api, id, { role: 'user', parts });
    }
    const newest = await getPage(api, id);
    expect(newest.messages.map(({ seq }) => seq)).toEqual([2, 3]);
    expect(newest.has_before).toBe(true);
    const older = await getPage(api, id, 'before=2');
    expect(older.messages.map(({ seq }) => seq)).toEqual([1]);
  });
});
