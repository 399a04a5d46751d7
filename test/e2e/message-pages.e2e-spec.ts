import { beforeAll, describe, expect, it } from 'vitest';
import {
  append,
  createSession,
  errorBody,
  getPage,
  getSession,
  type MessagePage,
  NOBODYS_ID,
  numbers,
  userMessages,
  validationErrors,
} from '../support/api.js';
import { useTestApp } from '../support/test-app.js';

const api = useTestApp();

function seqsOf({ messages }: Pick<MessagePage, 'messages'>): number[] {
  return messages.map(({ seq }) => seq);
}

/** All seqs, page by page, oldest first. */
async function walkForward(id: string, limit: number): Promise<number[]> {
  const seqs: number[] = [];
  for (;;) {
    const after = seqs.at(-1) ?? 0;
    const page = await getPage(api, id, `limit=${limit}&after=${after}`);
    expect(page.has_before).toBe(seqs.length > 0);
    seqs.push(...seqsOf(page));
    if (!page.has_after) return seqs;
    expect(page.messages).not.toEqual([]);
  }
}

/** All seqs, page by page, newest first. */
async function walkBackward(id: string, limit: number): Promise<number[]> {
  const seqs: number[] = [];
  for (;;) {
    const before = seqs.length > 0 ? `&before=${seqs[0]}` : '';
    const page = await getPage(api, id, `limit=${limit}${before}`);
    expect(page.has_after).toBe(seqs.length > 0);
    seqs.unshift(...seqsOf(page));
    if (!page.has_before) return seqs;
    expect(page.messages).not.toEqual([]);
  }
}

describe('GET /api/chat-sessions/:session_id/messages', () => {
  let id: string;

  beforeAll(async () => {
    ({ id } = await createSession(api, {}, 250));
  });

  it('has the same messages as the session', async () => {
    const response = await api.send(
      'GET',
      `/api/chat-sessions/${id}/messages?limit=2`,
    );
    expect(response.status).toBe(200);
    const { messages } = await getSession(api, id);
    expect(response.body).toEqual({
      messages: messages.slice(-2),
      has_before: true,
      has_after: false,
    });
  });

  it.each([
    // The newest page.
    ['', numbers(201, 250), true, false],
    ['limit=1', [250], true, false],
    ['limit=200', numbers(51, 250), true, false],
    ['before=251', numbers(201, 250), true, false],
    ['before=4294967295', numbers(201, 250), true, false],
    // The seq of `before` is not in the page.
    ['before=101', numbers(51, 100), true, true],
    ['before=250&limit=1', [249], true, true],
    ['before=52', numbers(2, 51), true, true],
    ['before=51', numbers(1, 50), false, true],
    ['before=3', [1, 2], false, true],
    ['before=1', [], false, true],
    ['before=0', [], false, true],
    // The seq of `after` is not in the page.
    ['after=0', numbers(1, 50), false, true],
    ['after=0&limit=1', [1], false, true],
    ['after=1', numbers(2, 51), true, true],
    ['after=199', numbers(200, 249), true, true],
    ['after=200', numbers(201, 250), true, false],
    ['after=249', [250], true, false],
    ['after=250', [], true, false],
    ['after=4294967295', [], true, false],
    // The seq of `around` is in the page.
    ['around=100&limit=1', [100], true, true],
    ['around=100&limit=2', [100, 101], true, true],
    ['around=100&limit=5', numbers(98, 102), true, true],
    ['around=100', numbers(76, 125), true, true],
    ['around=1&limit=5', numbers(1, 5), false, true],
    ['around=2&limit=5', numbers(1, 5), false, true],
    ['around=0&limit=5', numbers(1, 5), false, true],
    ['around=250&limit=5', numbers(246, 250), true, false],
    ['around=249&limit=5', numbers(246, 250), true, false],
    ['around=251&limit=5', numbers(246, 250), true, false],
    ['around=4294967295&limit=5', numbers(246, 250), true, false],
  ])('?%s', async (query, seqs, hasBefore, hasAfter) => {
    const page = await getPage(api, id, query);
    expect(seqsOf(page)).toEqual(seqs);
    expect(page.messages.map(({ content }) => content)).toEqual(
      seqs.map((seq) => `message ${seq}`),
    );
    expect(page.has_before).toBe(hasBefore);
    expect(page.has_after).toBe(hasAfter);
  });

  it.each([7, 50, 125, 200])(
    'has all messages on its pages of %i',
    async (limit) => {
      expect(await walkForward(id, limit)).toEqual(numbers(1, 250));
      expect(await walkBackward(id, limit)).toEqual(numbers(1, 250));
    },
  );

  it('has all messages of a session with less than a page', async () => {
    const short = await createSession(api, {}, 3);
    for (const query of ['', 'after=0', 'before=4', 'around=2']) {
      expect(await getPage(api, short.id, query)).toEqual({
        messages: short.messages,
        has_before: false,
        has_after: false,
      });
    }
  });

  it.each([
    ['limit=201', ['limit must not be greater than 200']],
    ['limit=0', ['limit must not be less than 1']],
    ['limit=-1', ['limit must not be less than 1']],
    ['limit=1.5', ['limit must be an integer number']],
    ['limit=1e9', ['limit must be an integer number']],
    ['limit=abc', ['limit must be an integer number']],
    ['limit=', ['limit must be an integer number']],
    ['limit=1&limit=1', ['limit must be an integer number']],
    ['before=-1', ['before must not be less than 0']],
    ['before=4294967296', ['before must not be greater than 4294967295']],
    ['before=x', ['before must be an integer number']],
    ['after=1.5', ['after must be an integer number']],
    ['after=1&after=2', ['after must be an integer number']],
    ['around=%00', ['around must be an integer number']],
    [
      'before=9&after=1',
      [
        'before cannot be used together with after or around',
        'after cannot be used together with before or around',
      ],
    ],
    [
      'before=9&around=1',
      [
        'before cannot be used together with after or around',
        'around cannot be used together with before or after',
      ],
    ],
    [
      'after=0&around=0',
      [
        'after cannot be used together with before or around',
        'around cannot be used together with before or after',
      ],
    ],
  ])('refuses ?%s', async (query, details) => {
    const response = await api.send(
      'GET',
      `/api/chat-sessions/${id}/messages?${query}`,
    );
    expect(response.status).toBe(400);
    expect(response.body).toEqual(validationErrors(...details));
  });

  it('answers 404 if the session does not exist', async () => {
    const response = await api.send(
      'GET',
      `/api/chat-sessions/${NOBODYS_ID}/messages`,
    );
    expect(response.status).toBe(404);
    expect(response.body).toEqual(errorBody('Chat session not found'));
  });
});

describe('GET /api/chat-sessions/:session_id/messages after a clear', () => {
  let id: string;

  beforeAll(async () => {
    ({ id } = await createSession(api, {}, 5));
    await api.send('POST', `/api/chat-sessions/${id}/clear`);
  });

  it.each(['', 'before=3', 'after=0', 'after=3', 'after=9', 'around=3'])(
    'is empty: ?%s',
    async (query) => {
      expect(await getPage(api, id, query)).toEqual({
        messages: [],
        has_before: false,
        has_after: false,
      });
    },
  );

  it('has the messages since then', async () => {
    await append(api, id, { messages: userMessages(5, 6) });
    expect(await walkForward(id, 2)).toEqual(numbers(6, 10));
    expect(await walkBackward(id, 2)).toEqual(numbers(6, 10));
    const before = await getPage(api, id, 'before=6');
    expect(before).toEqual({
      messages: [],
      has_before: false,
      has_after: true,
    });
    const around = await getPage(api, id, 'around=1&limit=2');
    expect(seqsOf(around)).toEqual([6, 7]);
    expect(around).toMatchObject({ has_before: false, has_after: true });
  });
});

describe('GET /api/chat-sessions/:session_id/messages: 4 MiB', () => {
  let id: string;

  beforeAll(async () => {
    ({ id } = await createSession(api));
    // Three of the largest fit into a page, with all of the small ones.
    const large = { role: 'user', content: 'x'.repeat(1024 * 1024) };
    for (const batch of [3, 3, 3]) {
      await append(api, id, { messages: Array(batch).fill(large) });
    }
    await append(api, id, { messages: userMessages(3) });
  });

  it.each([
    ['', numbers(7, 12), true, false],
    ['limit=4', numbers(9, 12), true, false],
    ['before=8', numbers(5, 7), true, true],
    ['before=4', numbers(1, 3), false, true],
    ['after=0', numbers(1, 3), false, true],
    ['after=5', numbers(6, 8), true, true],
    ['after=6', numbers(7, 12), true, false],
    ['around=5', numbers(4, 6), true, true],
    ['around=1', numbers(1, 3), false, true],
    ['around=12', numbers(7, 12), true, false],
  ])('ends early: ?%s', async (query, seqs, hasBefore, hasAfter) => {
    const page = await getPage(api, id, query);
    expect(seqsOf(page)).toEqual(seqs);
    expect(page.has_before).toBe(hasBefore);
    expect(page.has_after).toBe(hasAfter);
  });

  it.each([2, 50])('has all messages on its pages of %i', async (limit) => {
    expect(await walkForward(id, limit)).toEqual(numbers(1, 12));
    expect(await walkBackward(id, limit)).toEqual(numbers(1, 12));
  });

  it('limits the messages of a session, too', async () => {
    const session = await getSession(api, id);
    expect(seqsOf(session)).toEqual(numbers(7, 12));
    expect(session.message_count).toBe(12);
  });

  it('has at least one message of any size', async () => {
    const { id: other } = await createSession(api);
    const large = 'x'.repeat(2_000_000);
    for (const text of [large, large, large]) {
      const parts = [{ type: 'data', text, more: text }];
      await append(api, other, { role: 'tool', parts });
    }
    expect(await walkForward(other, 50)).toEqual([1, 2, 3]);
    expect(await walkBackward(other, 50)).toEqual([1, 2, 3]);
  });
});
