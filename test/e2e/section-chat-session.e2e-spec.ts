import { describe, expect, it } from 'vitest';
import {
  A_TIME,
  A_UUID_V7,
  append,
  createSession,
  getSession,
  type Session,
  validationErrors,
} from '../support/api.js';
import { inParallel } from '../support/parallel.js';
import { useTestApp } from '../support/test-app.js';

const api = useTestApp();

/** The ids are URL-encoded. */
function createOrGet(documentId: string, sectionId: string, body?: object) {
  return api.send<{ chat_session: Session }>(
    'POST',
    `/api/documents/${documentId}/sections/${sectionId}/chat-session`,
    body,
  );
}

describe('POST /api/documents/:document_id/sections/:section_id/chat-session', () => {
  it('creates a session', async () => {
    const response = await createOrGet('doc-1', 'sec-1');
    expect(response.status).toBe(201);
    expect(response.body).toEqual({
      chat_session: {
        id: A_UUID_V7,
        title: null,
        document_id: 'doc-1',
        section_id: 'sec-1',
        messages: [],
        context_documents: [],
        references: [],
        config: {},
        metadata: {},
        pinned: false,
        archived: false,
        message_count: 0,
        last_message_at: null,
        version: 1,
        created_at: A_TIME,
        updated_at: A_TIME,
      },
      message: 'Chat session created successfully',
    });
    const { id } = response.body.chat_session;
    expect(await getSession(api, id)).toEqual(response.body.chat_session);
  });

  it('gets the current session', async () => {
    const created = await createOrGet('doc-2', 'sec-1');
    const { id } = created.body.chat_session;
    await append(api, id, { role: 'user', content: 'Hello' });
    const response = await createOrGet('doc-2', 'sec-1');
    expect(response.status).toBe(200);
    expect(response.body).toEqual({ chat_session: await getSession(api, id) });
  });

  it('gets a session from POST /api/chat-sessions', async () => {
    const section = { document_id: 'doc-3', section_id: 'sec-1' };
    const { id } = await createSession(api, section, 1);
    const response = await createOrGet('doc-3', 'sec-1');
    expect(response.status).toBe(200);
    expect(response.body.chat_session.id).toBe(id);
  });

  it('creates one session for ten parallel requests', async () => {
    const responses = await inParallel(10, () => createOrGet('doc-4', 'sec-1'));
    const statuses = responses.map(({ status }) => status);
    expect(statuses.filter((status) => status === 201)).toHaveLength(1);
    expect(statuses.filter((status) => status === 200)).toHaveLength(9);
    const ids = responses.map(({ body }) => body.chat_session.id);
    expect(new Set(ids).size).toBe(1);
  });

  it('creates a session for each section and each document', async () => {
    const ids = new Set<string>();
    for (const [documentId, sectionId] of [
      ['a', 'b'],
      ['b', 'a'],
      ['a', 'c'],
      ['A', 'b'],
      ['%C3%A1', 'b'],
      ['a%CC%81', 'b'],
      ['ab', 'b'],
    ] as const) {
      const response = await createOrGet(documentId, sectionId);
      expect(response.status).toBe(201);
      ids.add(response.body.chat_session.id);
    }
    expect(ids.size).toBe(7);
  });

  it.each([
    ['a slash', 'a/b'],
    ['an encoded slash', 'a%2Fb'],
    ['a percent sign', '100%'],
    ['a space', 'a b'],
    ['a plus sign', 'a+b'],
    ['delimiters of a URL', 'a?b#c;d&e=f'],
    ['dots', '..a'],
    ['letters of all planes', 'Ünï·語·\u{20bb7}'],
    ['an emoji', '😀'],
    ['SQL', "' OR 1=1--"],
    ['191 letters', 'x'.repeat(191)],
    ['191 characters of three bytes', '語'.repeat(191)],
    ['191 characters of four bytes', '😀'.repeat(191)],
  ])('accepts %s', async (_, text) => {
    const inUrl = encodeURIComponent(text);
    const response = await createOrGet(inUrl, inUrl);
    expect(response.status).toBe(201);
    expect(response.body.chat_session).toMatchObject({
      document_id: text,
      section_id: text,
    });
    expect((await createOrGet(inUrl, inUrl)).status).toBe(200);
  });

  it.each([
    ['white space in front', '%20a'],
    ['white space behind', 'a%20'],
    ['a no-break space behind', 'a%C2%A0'],
    ['an ideographic space in front', '%E3%80%80a'],
    ['nothing but white space', '%20'],
    ['a tab', 'a%09b'],
    ['a line feed', 'a%0Ab'],
    ['NUL', '%00'],
    ['DEL', 'a%7Fb'],
    ['a C1 control character', 'a%C2%85b'],
    ['a line separator', 'a%E2%80%A8b'],
    ['192 characters', 'x'.repeat(192)],
    ['192 characters of four bytes', encodeURIComponent('😀'.repeat(192))],
    ['3,000 characters', 'x'.repeat(3000)],
  ])('refuses %s', async (_, inUrl) => {
    const rule =
      'must be 1 to 191 characters, without control characters and without white space at either end';
    const response = await createOrGet(inUrl, 'sec-1');
    expect(response.status).toBe(400);
    expect(response.body).toEqual(validationErrors(`document_id ${rule}`));
    const other = await createOrGet('doc-1', inUrl);
    expect(other.status).toBe(400);
    expect(other.body).toEqual(validationErrors(`section_id ${rule}`));
  });
});
