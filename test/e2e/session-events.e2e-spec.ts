import { beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import {
  type SessionEvent,
  SessionEvents,
} from '../../src/chat-sessions/writes/session-events.js';
import { Database, type Work } from '../../src/database/database.js';
import { uncommitted } from '../../src/database/unit-of-work.js';
import {
  append,
  createSession,
  sendFork,
  userMessages,
} from '../support/api.js';
import { Branches } from '../support/branches.js';
import { useTestApp } from '../support/test-app.js';

describe('session events', () => {
  const api = useTestApp();
  const heard: SessionEvent[] = [];
  const summary = () =>
    heard.map(({ type, session }) => `${type} ${session.version}`);

  beforeAll(() => {
    api.app.get(SessionEvents, { strict: false }).subscribe((event) => {
      heard.push(event);
    });
  });

  beforeEach(() => {
    heard.length = 0;
  });

  it('tell each committed change with its version', async () => {
    const { id } = await createSession(api);
    const path = `/api/chat-sessions/${id}`;
    await append(api, id, { messages: userMessages(2) });
    await api.send('PATCH', path, { pinned: true });
    await api.send('PUT', `${path}/config`, { config: { model: 'large' } });
    await api.send('POST', `${path}/clear`);
    await api.send('DELETE', path);
    expect(summary()).toEqual([
      'created 1',
      'appended 2',
      'updated 3',
      'updated 4',
      'cleared 5',
      'deleted 5',
    ]);
    expect(new Set(heard.map(({ session }) => session.id))).toEqual(
      new Set([id]),
    );
  });

  it('tell each change of the tree, and a fork of it', async () => {
    const { id } = await createSession(api);
    const branches = new Branches(api, id);
    await branches.append(['a', 'b', 'c']);
    await branches.append(['d'], 'a');
    await branches.edit('a', { content: 'Changed' });
    await branches.replace('a', ['e'], false);
    await branches.goTo('c');
    await branches.delete('b');
    const { body } = await sendFork(api, id);
    expect(summary()).toEqual([
      'created 1',
      'appended 2',
      'appended 3',
      'updated 4',
      'updated 5',
      'updated 6',
      'updated 7',
      'created 1',
    ]);
    const ids = heard.map(({ session }) => session.id);
    expect(ids).toEqual([...Array<string>(7).fill(id), body.chat_session.id]);
  });

  it('tell a request that is sent again once', async () => {
    const session = { id: '019ae1c4-7d5e-7c3a-9f10-3b1f6f0c2a77' };
    const message = { id: 'm1', role: 'user', content: 'Hello' };
    const key = { 'Idempotency-Key': 'k1' };
    for (let attempt = 1; attempt <= 2; attempt++) {
      await api.send('POST', '/api/chat-sessions', session);
      await append(api, session.id, message);
      await append(api, session.id, { role: 'user', content: 'Bye' }, key);
      const path = `/api/documents/d/sections/s/chat-session`;
      await api.send('POST', path);
    }
    expect(summary()).toEqual([
      'created 1',
      'appended 2',
      'appended 3',
      'created 1',
    ]);
  });

  it('tell a change once if another request did it after a failed commit', async () => {
    const { id } = await createSession(api);
    heard.length = 0;
    const key = { 'Idempotency-Key': 'k2' };
    const message = { role: 'user', content: 'Hello' };
    const database = api.app.get(Database, { strict: false });
    const write = database.write.bind(database);
    const rollback = new Error('rollback');
    vi.spyOn(database, 'write').mockImplementationOnce(
      async <T>(work: Work<T>) => {
        const attempt = write(function* () {
          yield* uncommitted(work());
          throw rollback;
        });
        await expect(attempt).rejects.toBe(rollback);
        expect((await append(api, id, message, key)).status).toBe(201);
        return write(work);
      },
    );
    const replay = await append(api, id, message, key);
    expect(replay.headers['idempotent-replayed']).toBe('true');
    expect(summary()).toEqual(['appended 2']);
  });

  it('tell nothing if nothing has changed', async () => {
    const { id } = await createSession(api);
    heard.length = 0;
    const path = `/api/chat-sessions/${id}`;
    const stale = { 'If-Match': '"1-1"' };
    const refused = await api.send('PATCH', path, { pinned: true }, stale);
    expect(refused.status).toBe(412);
    expect((await api.send('PATCH', path, {})).status).toBe(200);
    expect((await append(api, id, { role: 'user', content: ' ' })).status).toBe(
      400,
    );
    expect(heard).toEqual([]);
  });
});
