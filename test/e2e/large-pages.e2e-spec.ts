import { beforeAll, describe, expect, it } from 'vitest';
import { createSession, type SessionList } from '../support/api.js';
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
