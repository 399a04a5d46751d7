import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import {
  append,
  createSession,
  errorBody,
  getPage,
  getSession,
  listSessions,
  nextMillisecond,
  NOBODYS_ID,
  type Session,
  validationErrors,
} from '../support/api.js';
import { useTestApp } from '../support/test-app.js';

const api = useTestApp();

function patch(id: string, body: object) {
  return api.send<{ chat_session: Session }>(
    'PATCH',
    `/api/chat-sessions/${id}`,
    body,
  );
}

describe('PATCH /api/chat-sessions/:session_id', () => {
  it('replaces the given fields as a whole', async () => {
    const before = await createSession(
      api,
      { title: 'Old', context_documents: ['a', 'b'], metadata: { a: 1, b: 2 } },
      2,
    );
    await nextMillisecond();
    const changes = {
      title: 'New',
      context_documents: ['c'],
      metadata: { b: { c: 3 } },
      pinned: true,
      archived: true,
    };
    const response = await patch(before.id, changes);
    expect(response.status).toBe(200);
    const { updated_at } = response.body.chat_session;
    expect(response.body).toEqual({
      chat_session: { ...before, ...changes, version: 2, updated_at },
    });
    expect(Date.parse(updated_at)).toBeGreaterThan(
      Date.parse(before.updated_at),
    );
    expect(await getSession(api, before.id)).toEqual(
      response.body.chat_session,
    );
  });

  it.each([
    { title: 'New' },
    { title: null },
    { context_documents: [] },
    { metadata: {} },
    { pinned: true },
    { archived: true },
  ])('keeps all other fields: %j', async (changes) => {
    const before = await createSession(api, {
      title: 'Old',
      context_documents: ['a'],
      config: { model: 'large' },
      metadata: { a: 1 },
    });
    const response = await patch(before.id, changes);
    const { updated_at } = response.body.chat_session;
    expect(response.body).toEqual({
      chat_session: { ...before, ...changes, version: 2, updated_at },
    });
  });

  it('changes nothing without fields', async () => {
    const before = await createSession(api, {}, 1);
    const response = await patch(before.id, {});
    expect(response.status).toBe(200);
    expect(response.body).toEqual({ chat_session: before });
  });

  it('does not change the place in the list', async () => {
    const older = await createSession(api);
    await nextMillisecond();
    const newer = await createSession(api);
    await nextMillisecond();
    await patch(older.id, { title: 'Renamed', pinned: true });
    const { chat_sessions } = await listSessions(api, 'limit=2');
    expect(chat_sessions.map(({ id }) => id)).toEqual([newer.id, older.id]);
  });

  it('keeps a removed title removed after new user messages', async () => {
    const { id, title } = await createSession(api, {}, 1);
    expect(title).toBe('message 1');
    await patch(id, { title: null });
    await append(api, id, { role: 'user', content: 'More' });
    await append(api, id, { role: 'user', content: 'And more' });
    expect((await getSession(api, id)).title).toBeNull();
  });

  it('answers 404 if the session does not exist', async () => {
    const response = await patch(NOBODYS_ID, { title: 'New' });
    expect(response.status).toBe(404);
    expect(response.body).toEqual(errorBody('Chat session not found'));
  });

  it.each([
    [{ title: ' \n' }, 'title must not be blank'],
    [{ title: 'x'.repeat(256) }, 'title must be at most 255 characters long'],
    [{ metadata: null }, 'metadata must be an object'],
    [{ metadata: [] }, 'metadata must be an object'],
    [{ context_documents: null }, 'context_documents must be an array'],
    [
      { context_documents: ['a', 1] },
      'each value in context_documents must be a string',
    ],
    [{ pinned: 'true' }, 'pinned must be a boolean value'],
    [{ archived: null }, 'archived must be a boolean value'],
    [{ config: {} }, 'config is not a known field'],
  ])('refuses %j', async (changes, problem) => {
    const { id } = await createSession(api);
    const response = await patch(id, changes);
    expect(response.status).toBe(400);
    expect(response.body).toEqual(validationErrors(problem));
  });
});

describe('PUT /api/chat-sessions/:session_id/config', () => {
  function putConfig(id: string, body: object) {
    return api.send('PUT', `/api/chat-sessions/${id}/config`, body);
  }

  it('replaces the configuration as a whole', async () => {
    const before = await createSession(api, { config: { a: 1, b: 2 } }, 1);
    const config = { b: { c: [null, 1.5, 'ü'] } };
    const response = await putConfig(before.id, { config });
    expect(response.status).toBe(200);
    expect(response.text).toBe(
      '{"message":"Chat configuration updated successfully"}',
    );
    const after = await getSession(api, before.id);
    const { updated_at } = after;
    expect(after).toEqual({ ...before, config, version: 2, updated_at });
  });

  it('answers 404 if the session does not exist', async () => {
    const response = await putConfig(NOBODYS_ID, { config: {} });
    expect(response.status).toBe(404);
    expect(response.text).toBe('{"error":"Chat session not found"}');
  });

  it.each([
    ['no config', {}, 'config must be an object'],
    ['null', { config: null }, 'config must be an object'],
    ['an array', { config: ['a'] }, 'config must be an object'],
    [
      'a byte over 64 KiB',
      { config: { a: 'x'.repeat(65_529) } },
      'config must be at most 65536 bytes of JSON',
    ],
    [
      'other fields',
      { config: {}, model: 'large' },
      'model is not a known field',
    ],
  ])('refuses %s', async (_, body, problem) => {
    const { id } = await createSession(api);
    const response = await putConfig(id, body);
    expect(response.status).toBe(400);
    expect(response.body).toEqual(validationErrors(problem));
  });
});

describe('POST /api/chat-sessions/:session_id/clear', () => {
  function clear(id: string) {
    return api.send('POST', `/api/chat-sessions/${id}/clear`);
  }

  it('deletes all messages and keeps the session', async () => {
    const before = await createSession(
      api,
      { title: 'Kept', config: { model: 'large' }, metadata: { a: 1 } },
      3,
    );
    const response = await clear(before.id);
    expect(response.status).toBe(200);
    expect(response.text).toBe(
      '{"message":"Chat history cleared successfully"}',
    );
    const after = await getSession(api, before.id);
    expect(after).toEqual({
      ...before,
      messages: [],
      message_count: 0,
      last_message_at: null,
      version: 2,
      updated_at: after.updated_at,
    });
    const { chat_sessions } = await listSessions(api, 'limit=1');
    expect(chat_sessions[0]).toMatchObject({ id: before.id, preview: null });
  });

  it('does not restart the seqs', async () => {
    const { id } = await createSession(api, {}, 3);
    await clear(id);
    await append(api, id, { role: 'user', content: 'New' });
    await clear(id);
    const response = await append(api, id, { role: 'user', content: 'Newer' });
    expect(response.body.message.seq).toBe(5);
    const session = await getSession(api, id);
    expect(session.message_count).toBe(1);
    expect(session.messages).toEqual([response.body.message]);
  });

  it('frees the ids of its messages', async () => {
    const { id } = await createSession(api);
    await append(api, id, { id: 'a', role: 'user', content: 'Before' });
    await clear(id);
    const message = { id: 'a', role: 'user', content: 'After' };
    expect((await append(api, id, message)).status).toBe(201);
  });

  it('answers 404 if the session does not exist', async () => {
    const response = await clear(NOBODYS_ID);
    expect(response.status).toBe(404);
    expect(response.text).toBe('{"error":"Chat session not found"}');
  });
});

describe('DELETE /api/chat-sessions/:session_id', () => {
  it('deletes the session and its messages', async () => {
    const fields = { id: randomUUID() };
    const { id } = await createSession(api, fields, 2);
    const path = `/api/chat-sessions/${id}`;
    const response = await api.send('DELETE', path);
    expect(response.status).toBe(204);
    expect(response.text).toBe('');
    expect((await api.send('GET', path)).status).toBe(404);
    expect((await api.send('GET', `${path}/messages`)).status).toBe(404);
    await createSession(api, fields);
    expect((await getPage(api, id)).messages).toEqual([]);
  });

  it('frees the section', async () => {
    const section = { document_id: 'doc', section_id: 'sec' };
    const { id } = await createSession(api, section);
    await api.send('DELETE', `/api/chat-sessions/${id}`);
    expect((await createSession(api, section)).id).not.toBe(id);
  });

  it('answers 404 if the session does not exist', async () => {
    const response = await api.send(
      'DELETE',
      `/api/chat-sessions/${NOBODYS_ID}`,
    );
    expect(response.status).toBe(404);
    expect(response.body).toEqual(errorBody('Chat session not found'));
  });
});
