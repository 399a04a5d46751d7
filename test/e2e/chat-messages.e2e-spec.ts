import { describe, expect, it } from 'vitest';
import {
  A_TIME,
  A_UUID_V7,
  append,
  createSession,
  errorBody,
  getPage,
  getSession,
  type Message,
  NOBODYS_ID,
  numbers,
  userMessages,
  validationErrors,
} from '../support/api.js';
import { useTestApp } from '../support/test-app.js';

const api = useTestApp();

describe('POST /api/chat-sessions/:session_id/messages', () => {
  it('appends one message', async () => {
    const { id } = await createSession(api, {}, 2);
    const message = {
      id: 'Mine_1-a',
      role: 'assistant',
      content: 'Section 7.',
      parts: [{ type: 'text', text: 'Section 7.' }],
      references: [{ section: 'sec-7' }],
      metadata: { model: 'large' },
    };
    const response = await append(api, id, message);
    expect(response.status).toBe(201);
    expect(response.body).toEqual({
      message: {
        ...message,
        seq: 3,
        parent_id: expect.stringMatching(/./),
        timestamp: A_TIME,
        edited_at: null,
      },
    });
    const session = await getSession(api, id);
    expect(response.body.message.parent_id).toBe(session.messages[1]!.id);
    expect(session).toMatchObject({
      message_count: 3,
      last_message_at: response.body.message.timestamp,
      version: 2,
    });
    expect(session.messages.at(-1)).toEqual(response.body.message);
  });

  it('has defaults for all but role and content', async () => {
    const { id } = await createSession(api);
    const response = await append(api, id, { role: 'user', content: 'Hello' });
    expect(response.body).toEqual({
      message: {
        id: A_UUID_V7,
        seq: 1,
        parent_id: null,
        role: 'user',
        content: 'Hello',
        parts: null,
        references: [],
        metadata: {},
        timestamp: A_TIME,
        edited_at: null,
      },
    });
  });

  it('appends a batch in order', async () => {
    const { id } = await createSession(api, {}, 1);
    const response = await append(api, id, { messages: userMessages(100, 2) });
    expect(response.status).toBe(201);
    expect(Object.keys(response.body)).toEqual(['messages']);
    const { messages } = response.body;
    expect(messages.map(({ seq }) => seq)).toEqual(numbers(2, 101));
    expect(messages.map(({ content }) => content)).toEqual(
      numbers(2, 101).map((seq) => `message ${seq}`),
    );
    expect((await getPage(api, id, 'after=1&limit=200')).messages).toEqual(
      messages,
    );
    expect((await getSession(api, id)).version).toBe(2);
  });

  it('answers a batch of one with a batch', async () => {
    const { id } = await createSession(api);
    const response = await append(api, id, { messages: userMessages(1) });
    expect(response.body.messages).toHaveLength(1);
  });

  it.each(['system', 'developer', 'user', 'assistant', 'tool'])(
    'accepts the role %s',
    async (role) => {
      const { id } = await createSession(api);
      const response = await append(api, id, { role, content: 'Hello' });
      expect(response.body.message.role).toBe(role);
    },
  );

  it.each(['User', 'bot', '', null, undefined, ['user']])(
    'refuses the role %j',
    async (role) => {
      const { id } = await createSession(api);
      const response = await append(api, id, { role, content: 'Hello' });
      expect(response.status).toBe(400);
      expect(response.body).toEqual(
        validationErrors(
          'role must be one of the following values: system, developer, user, assistant, tool',
        ),
      );
    },
  );

  it('appends nothing of a batch with an invalid message', async () => {
    const before = await createSession(api, {}, 1);
    const response = await append(api, before.id, {
      messages: [...userMessages(2), { role: 'bot', content: 'Hello' }],
    });
    expect(response.status).toBe(400);
    expect(response.body).toEqual(
      validationErrors(
        'messages.2.role must be one of the following values: system, developer, user, assistant, tool',
      ),
    );
    expect(await getSession(api, before.id)).toEqual(before);
  });

  it('answers 404 if the session does not exist', async () => {
    const message = { role: 'user', content: 'Hello' };
    const response = await append(api, NOBODYS_ID, message);
    expect(response.status).toBe(404);
    expect(response.body).toEqual(errorBody('Chat session not found'));
  });
});

describe('POST /api/chat-sessions/:session_id/messages: empty messages', () => {
  it.each([
    {},
    { content: '' },
    { content: ' \t\r\n\u00a0\u2003\u2028\ufeff' },
    { content: null },
    { parts: null },
    { content: null, parts: null },
    { content: ' ', parts: null },
    { references: [{ section: 'sec-7' }], metadata: { a: 1 } },
  ])('refuses %j', async (fields) => {
    const before = await createSession(api, {}, 1);
    const response = await append(api, before.id, { role: 'user', ...fields });
    expect(response.status).toBe(400);
    expect(response.body).toEqual(errorBody('Message cannot be empty'));
    expect(await getSession(api, before.id)).toEqual(before);
  });

  it('refuses a batch with an empty message', async () => {
    const before = await createSession(api, {}, 1);
    const response = await append(api, before.id, {
      messages: [...userMessages(1), { role: 'user', content: '\n' }],
    });
    expect(response.status).toBe(400);
    expect(response.body).toEqual(errorBody('Message cannot be empty'));
    expect(await getSession(api, before.id)).toEqual(before);
  });

  it('accepts a message whose parts are not text', async () => {
    const { id } = await createSession(api);
    const parts = [{ type: 'tool_call', name: 'search', arguments: {} }];
    const response = await append(api, id, { role: 'assistant', parts });
    expect(response.status).toBe(201);
    expect(response.body.message).toMatchObject({ content: '', parts });
  });
});

describe('POST /api/chat-sessions/:session_id/messages: ids', () => {
  const message = {
    id: 'mine',
    role: 'user',
    content: 'Hello',
    parts: [{ type: 'text', text: 'Hello' }],
    references: [{ section: 'sec-7' }],
    metadata: { a: 1, b: 2 },
  };

  it('answers 200 with the stored message to equal content', async () => {
    const { id } = await createSession(api);
    const first = await append(api, id, message);
    await append(api, id, { role: 'assistant', content: 'Since then' });
    const before = await getSession(api, id);
    const again = await append(api, id, {
      ...message,
      metadata: { b: 2, a: 1 },
    });
    expect(again.status).toBe(200);
    expect(again.body).toEqual(first.body);
    expect(await getSession(api, id)).toEqual(before);
  });

  it.each([
    { role: 'assistant' },
    { content: 'Hello!' },
    { parts: null },
    { parts: [{ type: 'text', text: 'Hello', extra: null }] },
    { references: [] },
    { metadata: { a: 1 } },
  ])('answers 409 to other content: %j', async (difference) => {
    const { id } = await createSession(api);
    await append(api, id, message);
    const before = await getSession(api, id);
    const response = await append(api, id, { ...message, ...difference });
    expect(response.status).toBe(409);
    expect(response.body).toEqual(
      errorBody('Message id is already in use with other content'),
    );
    expect(await getSession(api, id)).toEqual(before);
  });

  it('are case-sensitive', async () => {
    const { id } = await createSession(api);
    await append(api, id, message);
    const response = await append(api, id, { ...message, id: 'MINE' });
    expect(response.status).toBe(201);
    expect(response.body.message.id).toBe('MINE');
  });

  it('are unique in one session only', async () => {
    for (const { id } of [await createSession(api), await createSession(api)]) {
      expect((await append(api, id, message)).status).toBe(201);
    }
  });

  it('answers 200 with the stored messages to an equal batch, in any order', async () => {
    const { id } = await createSession(api);
    const [a, b] = ['a', 'b'].map((name) => ({ ...message, id: name }));
    const first = await append(api, id, { messages: [a, b] });
    const again = await append(api, id, { messages: [b, a] });
    expect(again.status).toBe(200);
    expect(again.body).toEqual({ messages: first.body.messages.toReversed() });
    expect((await getSession(api, id)).message_count).toBe(2);
  });

  it.each([
    ['only some messages are stored', [message, { ...message, id: 'new' }]],
    ['one message has no id', [message, { role: 'user', content: 'Hello' }]],
    [
      'one message is different',
      [message, { ...message, id: 'b', content: 'Other' }],
    ],
  ])('answers 409 to a batch if %s', async (_, messages) => {
    const { id } = await createSession(api);
    await append(api, id, { messages: [message, { ...message, id: 'b' }] });
    const before = await getSession(api, id);
    const response = await append(api, id, { messages });
    expect(response.status).toBe(409);
    expect(response.body).toEqual(
      errorBody('Message id is already in use with other content'),
    );
    expect(await getSession(api, id)).toEqual(before);
  });

  it('refuse a repeated id in one batch', async () => {
    const { id } = await createSession(api);
    const response = await append(api, id, { messages: [message, message] });
    expect(response.status).toBe(400);
    expect(response.body).toEqual(
      validationErrors('messages must not hold the same id twice'),
    );
  });
});

describe('GET /api/chat-sessions/:session_id/messages/:message_id', () => {
  it('returns the message', async () => {
    const { id } = await createSession(api);
    const appended = await append(api, id, {
      id: 'mine',
      role: 'user',
      content: 'Hello',
    });
    const response = await api.send<{ message: Message }>(
      'GET',
      `/api/chat-sessions/${id}/messages/mine`,
    );
    expect(response.status).toBe(200);
    expect(response.body).toEqual(appended.body);
  });

  it.each(['Mine', 'other', NOBODYS_ID])('answers 404 for %s', async (name) => {
    const { id } = await createSession(api);
    await append(api, id, { id: 'mine', role: 'user', content: 'Hello' });
    const response = await api.send(
      'GET',
      `/api/chat-sessions/${id}/messages/${name}`,
    );
    expect(response.status).toBe(404);
    expect(response.body).toEqual(errorBody('Message not found'));
  });
});
