import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import {
  A_TIME,
  append,
  createSession,
  FAMILY,
  listSessions,
  nextMillisecond,
  NOBODYS_ID,
  numbers,
  type Session,
  validationErrors,
} from '../support/api.js';
import { useTestApp } from '../support/test-app.js';

const api = useTestApp();

/** Creates sessions of a document, each in a later millisecond. */
async function createSessions(
  count: number,
  document_id: string,
): Promise<Session[]> {
  const sessions: Session[] = [];
  for (const _ of numbers(1, count)) {
    sessions.push(await createSession(api, { document_id }));
    await nextMillisecond();
  }
  return sessions;
}

/** All ids of a list, page by page. */
async function walk(query: string): Promise<string[]> {
  const ids: string[] = [];
  let cursor = '';
  for (;;) {
    const page = await listSessions(api, `${query}${cursor}`);
    ids.push(...page.chat_sessions.map(({ id }) => id));
    if (page.next_cursor === null) return ids;
    cursor = `&cursor=${page.next_cursor}`;
  }
}

function idsOf(sessions: { id: string }[]): string[] {
  return sessions.map(({ id }) => id);
}

describe('GET /api/chat-sessions', () => {
  afterEach(() => {
    vi.useRealTimers();
  });

  it('lists the fields of a session, and a preview of its newest message', async () => {
    const session = await createSession(api, {
      title: 'Refunds',
      document_id: 'doc',
      section_id: 'sec',
      context_documents: ['doc-2'],
      config: { model: 'large' },
      metadata: { a: 1 },
    });
    const references = [{ section: 'sec-7' }];
    await append(api, session.id, { role: 'user', content: 'Hi', references });
    const response = await api.send(
      'GET',
      '/api/chat-sessions?document_id=doc',
    );
    expect(response.status).toBe(200);
    expect(response.body).toEqual({
      chat_sessions: [
        {
          id: session.id,
          title: 'Refunds',
          document_id: 'doc',
          section_id: 'sec',
          context_documents: ['doc-2'],
          preview: 'Hi',
          pinned: false,
          archived: false,
          message_count: 1,
          last_message_at: A_TIME,
          version: 2,
          created_at: session.created_at,
          updated_at: A_TIME,
        },
      ],
      next_cursor: null,
    });
  });

  it('is empty if no session matches', async () => {
    const response = await api.send(
      'GET',
      '/api/chat-sessions?document_id=none',
    );
    expect(response.status).toBe(200);
    expect(response.text).toBe('{"chat_sessions":[],"next_cursor":null}');
  });

  it('is ordered by the latest create or append', async () => {
    const [a, b, c] = await createSessions(3, 'activity');
    const order = async () =>
      idsOf((await listSessions(api, 'document_id=activity')).chat_sessions);
    expect(await order()).toEqual(idsOf([c!, b!, a!]));
    await append(api, a!.id, { role: 'user', content: 'Hello' });
    await nextMillisecond();
    expect(await order()).toEqual(idsOf([a!, c!, b!]));
    await api.send('PATCH', `/api/chat-sessions/${b!.id}`, { pinned: true });
    await api.send('PUT', `/api/chat-sessions/${b!.id}/config`, { config: {} });
    await api.send('POST', `/api/chat-sessions/${b!.id}/clear`);
    expect(await order()).toEqual(idsOf([a!, c!, b!]));
  });

  it.each([1, 2, 5, 6])(
    'has all sessions on its pages of %i',
    async (limit) => {
      const document = `paged-${limit}`;
      const sessions = await createSessions(5, document);
      expect(await walk(`document_id=${document}&limit=${limit}`)).toEqual(
        idsOf(sessions.toReversed()),
      );
    },
  );

  it('has all sessions on its pages if they have the same time', async () => {
    vi.useFakeTimers({ toFake: ['Date'] });
    const created = [];
    for (const _ of numbers(1, 5)) {
      created.push(await createSession(api, { document_id: 'at-once' }));
    }
    expect(new Set(created.map(({ created_at }) => created_at)).size).toBe(1);
    expect(await walk('document_id=at-once&limit=2')).toEqual(
      idsOf(created).sort().reverse(),
    );
  });

  it('continues after a session that has moved or was deleted', async () => {
    const [a, b, c, d] = await createSessions(4, 'moving');
    const query = 'document_id=moving&limit=2';
    const page = await listSessions(api, query);
    expect(idsOf(page.chat_sessions)).toEqual([d!.id, c!.id]);
    await append(api, d!.id, { role: 'user', content: 'Hello' });
    await api.send('DELETE', `/api/chat-sessions/${c!.id}`);
    const next = await listSessions(api, `${query}&cursor=${page.next_cursor}`);
    expect(idsOf(next.chat_sessions)).toEqual([b!.id, a!.id]);
    expect(next.next_cursor).toBeNull();
  });

  it('has 20 sessions by default and 100 at most', async () => {
    for (const _ of numbers(1, 101)) {
      await createSession(api, { document_id: 'many' });
    }
    const page = await listSessions(api, 'document_id=many');
    expect(page.chat_sessions).toHaveLength(20);
    const largest = await listSessions(api, 'document_id=many&limit=100');
    expect(largest.chat_sessions).toHaveLength(100);
    expect(largest.next_cursor).not.toBeNull();
  });
});

describe('GET /api/chat-sessions: filters', () => {
  beforeAll(async () => {
    for (const [title, fields, changes] of [
      ['sec-1', { section_id: 'sec-1' }, {}],
      ['sec-2', { section_id: 'sec-2' }, {}],
      ['other case', { document_id: 'FILTER' }, {}],
      ['archived', {}, { archived: true }],
      ['archived and pinned', {}, { archived: true, pinned: true }],
      ['pinned', {}, { pinned: true }],
      ['unpinned', {}, {}],
    ] as const) {
      const where = { document_id: 'filter', ...fields };
      const { id } = await createSession(api, { title, ...where });
      await api.send('PATCH', `/api/chat-sessions/${id}`, changes);
      await nextMillisecond();
    }
  });

  it.each([
    ['filter', ['unpinned', 'pinned', 'sec-2', 'sec-1']],
    ['filter&section_id=sec-1', ['sec-1']],
    ['filter&section_id=none', []],
    ['filter&archived=false', ['unpinned', 'pinned', 'sec-2', 'sec-1']],
    ['filter&archived=true', ['archived and pinned', 'archived']],
    ['filter&pinned=true', ['pinned']],
    ['filter&pinned=false', ['unpinned', 'sec-2', 'sec-1']],
    ['filter&archived=true&pinned=true', ['archived and pinned']],
    ['filter&archived=true&pinned=false', ['archived']],
    ['FILTER', ['other case']],
    ['filte%25', []],
  ])('?document_id=%s', async (query, titles) => {
    const { chat_sessions } = await listSessions(api, `document_id=${query}`);
    expect(chat_sessions.map(({ title }) => title)).toEqual(titles);
  });

  it('exclude archived sessions by default', async () => {
    const { chat_sessions } = await listSessions(api, 'limit=100');
    const titles = chat_sessions.map(({ title }) => title);
    expect(titles).toContain('unpinned');
    expect(titles).not.toContain('archived');
  });
});

describe('GET /api/chat-sessions: preview', () => {
  async function previewOf(message: object) {
    const { id } = await createSession(api, {}, 1);
    await append(api, id, { role: 'assistant', ...message });
    const { chat_sessions } = await listSessions(api, 'limit=1');
    expect(chat_sessions[0]?.id).toBe(id);
    return chat_sessions[0]?.preview;
  }

  it.each([
    ['a short text', 'short', 'short'],
    ['160 characters', 'x'.repeat(161), 'x'.repeat(160)],
    ['160 emoji', '😀'.repeat(161), '😀'.repeat(160)],
    [
      'with a last grapheme that fits',
      `${'x'.repeat(153)}${FAMILY}y`,
      `${'x'.repeat(153)}${FAMILY}`,
    ],
    [
      'without a last grapheme that does not fit',
      `${'x'.repeat(154)}${FAMILY}y`,
      'x'.repeat(154),
    ],
    [
      'without a letter whose accent does not fit',
      `${'x'.repeat(159)}e\u0301`,
      'x'.repeat(159),
    ],
  ])('is the start of the text: %s', async (_, content, preview) => {
    expect(await previewOf({ content })).toBe(preview);
  });

  it('is empty if the newest message has no text', async () => {
    expect(await previewOf({ parts: [{ type: 'image' }] })).toBe('');
  });

  it('is null without messages', async () => {
    await createSession(api);
    const { chat_sessions } = await listSessions(api, 'limit=1');
    expect(chat_sessions[0]?.preview).toBeNull();
  });
});

describe('GET /api/chat-sessions refuses', () => {
  const base64url = (text: string) => Buffer.from(text).toString('base64url');
  const position = `1795392123456.${NOBODYS_ID}`;

  it.each([
    ['empty', ''],
    ['no base64', 'abc'],
    ['NUL', '%00'],
    ['a path', '../../x'],
    ['the id of a session', NOBODYS_ID],
    ['3,000 characters', 'x'.repeat(3000)],
    ['a time alone', base64url('1795392123456')],
    ['more than a UUID', base64url(`${position}0`)],
    ['a negative time', base64url(`-${position}`)],
    ['a leading zero', base64url(`0${position}`)],
    ['a time that is too late', base64url(`999${position}`)],
    ['a time with an exponent', base64url(`1e12.${NOBODYS_ID}`)],
    ['SQL', base64url(`1795392123456.' OR 1=1--`)],
    ['padding', `${base64url(position)}=`],
    ['white space', `${base64url(position)}%20`],
    ['two', `${base64url(position)}&cursor=${base64url(position)}`],
  ])('a cursor that is %s', async (_, cursor) => {
    const response = await api.send(
      'GET',
      `/api/chat-sessions?cursor=${cursor}`,
    );
    expect(response.status).toBe(400);
    expect(response.body).toEqual(validationErrors('cursor is malformed'));
  });

  it('not a cursor whose session does not exist', async () => {
    const cursor = base64url(`0.${NOBODYS_ID}`);
    expect(await listSessions(api, `cursor=${cursor}`)).toEqual({
      chat_sessions: [],
      next_cursor: null,
    });
  });

  it.each([
    ['limit=0', 'limit must not be less than 1'],
    ['limit=101', 'limit must not be greater than 100'],
    ['limit=1e1', 'limit must be an integer number'],
    ['limit=5&limit=5', 'limit must be an integer number'],
    ['archived=1', 'archived must be a boolean value'],
    ['archived=', 'archived must be a boolean value'],
    ['pinned=TRUE', 'pinned must be a boolean value'],
    ['section_id=sec', 'section_id requires document_id'],
    [
      'document_id=',
      'document_id must be 1 to 191 characters, without control characters and without white space at either end',
    ],
    ['title=x', 'title is not a known field'],
  ])('?%s', async (query, problem) => {
    const response = await api.send('GET', `/api/chat-sessions?${query}`);
    expect(response.status).toBe(400);
    expect(response.body).toEqual(validationErrors(problem));
  });
});
