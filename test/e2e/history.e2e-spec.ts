import { describe, expect, it } from 'vitest';
import {
  A_TIME,
  append,
  createSession,
  getPage,
  type Message,
  nextMillisecond,
  numbers,
} from '../support/api.js';
import { useTestApp } from '../support/test-app.js';

describe.each(['/api/session/history', '/api/history'])('GET %s', (path) => {
  const api = useTestApp();

  function history() {
    return api.send<{ messages: Message[] }>('GET', path);
  }

  it('is empty without sessions, and without messages', async () => {
    const response = await history();
    expect(response.status).toBe(200);
    expect(response.text).toBe('{"messages":[]}');
    await createSession(api);
    expect((await history()).text).toBe('{"messages":[]}');
  });

  it('has the newest 50 messages of the most recently active session', async () => {
    await nextMillisecond();
    const { id } = await createSession(api, {}, 60);
    const response = await history();
    expect(response.status).toBe(200);
    expect(Object.keys(response.body)).toEqual(['messages']);
    const { messages } = response.body;
    expect(messages.map(({ seq }) => seq)).toEqual(numbers(11, 60));
    expect(messages).toEqual((await getPage(api, id)).messages);
  });

  it('has whole messages', async () => {
    await nextMillisecond();
    const message = {
      id: 'mine',
      role: 'assistant',
      content: 'Section 7.',
      parts: [{ type: 'text', text: 'Section 7.' }],
      references: [{ section: 'sec-7' }],
      metadata: { model: 'large' },
    };
    await createSession(api).then(({ id }) => append(api, id, message));
    expect((await history()).body).toEqual({
      messages: [
        {
          ...message,
          seq: 1,
          parent_id: null,
          timestamp: A_TIME,
          edited_at: null,
        },
      ],
    });
  });

  it('follows the activity of all sessions, also archived ones', async () => {
    const older = await createSession(api, {}, 1);
    await nextMillisecond();
    const newer = await createSession(api, {}, 2);
    await nextMillisecond();
    await api.send('PATCH', `/api/chat-sessions/${older.id}`, { pinned: true });
    expect((await history()).body.messages).toEqual(newer.messages);
    await append(api, older.id, { role: 'user', content: 'Back again' });
    expect((await history()).body.messages).toHaveLength(2);
    expect((await history()).body.messages[1]?.content).toBe('Back again');
    await api.send('PATCH', `/api/chat-sessions/${older.id}`, {
      archived: true,
    });
    expect((await history()).body.messages[1]?.content).toBe('Back again');
    await api.send('DELETE', `/api/chat-sessions/${older.id}`);
    expect((await history()).body.messages).toEqual(newer.messages);
  });

  it('answers 200 while the session is deleted', async () => {
    for (const _ of numbers(1, 20)) {
      const { id } = await createSession(api, {}, 1);
      const [response] = await Promise.all([
        history(),
        api.send('DELETE', `/api/chat-sessions/${id}`),
      ]);
      expect(response.status).toBe(200);
    }
  });
});
