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
    const answer = await append(api, id, message);
    expect(answer.status).toBe(201);
    expect(answer.body).toEqual({
      message: { ...message, seq: 3, timestamp: A_TIME },
    });
    const session = await getSession(api, id);
    expect(session).toMatchObject({
      message_count: 3,
      last_message_at: answer.body.message.timestamp,
      version: 2,
    });
    expect(session.messages.at(-1)).toEqual(answer.body.message);
  });

  it('fills in what is left out', async () => {
    const { id } = await createSession(api);
    const answer = await append(api, id, { role: 'user', content: 'Hello' });
    expect(answer.body).toEqual({
      message: {
        id: A_UUID_V7,
        seq: 1,
        role: 'user',
        content: 'Hello',
        parts: null,
        references: [],
        metadata: {},
        timestamp: A_TIME,
      },
    });
  });

  it('appends a batch in its order', async () => {
    const { id } = await createSession(api, {}, 1);
    const answer = await append(api, id, { messages: userMessages(100, 2) });
    expect(answer.status).toBe(201);
    expect(Object.keys(answer.body)).toEqual(['messages']);
    const { messages } = answer.body;
    expect(messages.map(({ seq }) => seq)).toEqual(numbers(2, 101));
    expect(messages.map(({ content }) => content)).toEqual(
      numbers(2, 101).map((seq) => `message ${seq}`),
    );
    expect((await getPage(api, id, 'after=1&limit=200')).messages).toEqual(
      messages,
    );
    expect((await getSession(api, id)).version).toBe(2);
  });

  it('answers a batch of one as a batch', async () => {
    const { id } = await createSession(api);
    const answer = await append(api, id, { messages: userMessages(1) });
    expect(answer.body.messages).toHaveLength(1);
  });

  it.each(['system', 'developer', 'user', 'assistant', 'tool'])(
    'takes the role %s',
    async (role) => {
      const { id } = await createSession(api);
      const answer = await append(api, id, { role, content: 'Hello' });
      expect(answer.body.message.role).toBe(role);
    },
  );

  it.each(['User', 'bot', '', null, undefined, ['user']])(
    'refuses the role %j',
    async (role) => {
      const { id } = await createSession(api);
      const answer = await append(api, id, { role, content: 'Hello' });
      expect(answer.status).toBe(400);
      expect(answer.body).toEqual(
        validationErrors(
          'role must be one of the following values: system, developer, user, assistant, tool',
        ),
      );
    },
  );

  it('appends nothing of a batch with a mistake', async () => {
    const before = await createSession(api, {}, 1);
    const answer = await append(api, before.id, {
      messages: [...userMessages(2), { role: 'bot', content: 'Hello' }],
    });
    expect(answer.status).toBe(400);
    expect(answer.body).toEqual(
      validationErrors(
        'messages.2.role must be one of the following values: system, developer, user, assistant, tool',
      ),
    );
    expect(await getSession(api, before.id)).toEqual(before);
  });

  it('answers 404 for a session that is not there', async () => {
    const message = { role: 'user', content: 'Hello' };
    const answer = await append(api, NOBODYS_ID, message);
    expect(answer.status).toBe(404);
    expect(answer.body).toEqual(errorBody('Chat session not found'));
  });
});

describe('POST /api/chat-sessions/:session_id/messages: empty messages', () => {
  it.each([
    {},
    { content: '' },
    { content: ' \t\r\n\u00a0\u2003\u2028\ufeff' },
    { content: null },
    { parts: null },
    { parts: [] },
    { content: null, parts: null },
    { content: ' ', parts: [] },
    { parts: [{ type: 'text', text: '' }] },
    {
      parts: [
        { type: 'text', text: ' ' },
        { type: 'text', text: '\n' },
      ],
    },
    { references: [{ section: 'sec-7' }], metadata: { a: 1 } },
  ])('refuses %j', async (fields) => {
    const before = await createSession(api, {}, 1);
    const answer = await append(api, before.id, { role: 'user', ...fields });
    expect(answer.status).toBe(400);
    expect(answer.body).toEqual(errorBody('Message cannot be empty'));
    expect(await getSession(api, before.id)).toEqual(before);
  });

  it('refuses a batch that has one', async () => {
    const before = await createSession(api, {}, 1);
    const answer = await append(api, before.id, {
      messages: [...userMessages(1), { role: 'user', content: '\n' }],
    });
    expect(answer.status).toBe(400);
    expect(answer.body).toEqual(errorBody('Message cannot be empty'));
    expect(await getSession(api, before.id)).toEqual(before);
  });

  it('takes a message whose parts hold more than text', async () => {
    const { id } = await createSession(api);
    const parts = [{ type: 'tool_call', name: 'search', arguments: {} }];
    const answer = await append(api, id, { role: 'assistant', parts });
    expect(answer.status).toBe(201);
    expect(answer.body.message).toMatchObject({ content: '', parts });
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

  it('answers equal content sent again with the stored message', async () => {
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
  ])('refuses other content: %j', async (difference) => {
    const { id } = await createSession(api);
    await append(api, id, message);
    const before = await getSession(api, id);
    const answer = await append(api, id, { ...message, ...difference });
    expect(answer.status).toBe(409);
    expect(answer.body).toEqual(
      errorBody('Message id is already in use with other content'),
    );
    expect(await getSession(api, id)).toEqual(before);
  });

  it('distinguishes upper and lower case', async () => {
    const { id } = await createSession(api);
    await append(api, id, message);
    const answer = await append(api, id, { ...message, id: 'MINE' });
    expect(answer.status).toBe(201);
    expect(answer.body.message.id).toBe('MINE');
  });

  it('is that of one session only', async () => {
    for (const { id } of [await createSession(api), await createSession(api)]) {
      expect((await append(api, id, message)).status).toBe(201);
    }
  });

  it('answers a batch sent again, in any order, with what is stored', async () => {
    const { id } = await createSession(api);
    const [a, b] = ['a', 'b'].map((name) => ({ ...message, id: name }));
    const first = await append(api, id, { messages: [a, b] });
    const again = await append(api, id, { messages: [b, a] });
    expect(again.status).toBe(200);
    expect(again.body).toEqual({ messages: first.body.messages.toReversed() });
    expect((await getSession(api, id)).message_count).toBe(2);
  });

  it.each([
    ['only some are stored', [message, { ...message, id: 'new' }]],
    ['one has no id', [message, { role: 'user', content: 'Hello' }]],
    ['one is different', [message, { ...message, id: 'b', content: 'Other' }]],
  ])('refuses a batch of which %s', async (_, messages) => {
    const { id } = await createSession(api);
    await append(api, id, { messages: [message, { ...message, id: 'b' }] });
    const before = await getSession(api, id);
    const answer = await append(api, id, { messages });
    expect(answer.status).toBe(409);
    expect(answer.body).toEqual(
      errorBody('Message id is already in use with other content'),
    );
    expect(await getSession(api, id)).toEqual(before);
  });

  it('refuses the same id twice in one batch', async () => {
    const { id } = await createSession(api);
    const answer = await append(api, id, { messages: [message, message] });
    expect(answer.status).toBe(400);
    expect(answer.body).toEqual(
      validationErrors('messages must not hold the same id twice'),
    );
  });
});

describe('GET /api/chat-sessions/:session_id/messages/:message_id', () => {
  it('answers the message', async () => {
    const { id } = await createSession(api);
    const appended = await append(api, id, {
      id: 'mine',
      role: 'user',
      content: 'Hello',
    });
    const answer = await api.send<{ message: Message }>(
      'GET',
      `/api/chat-sessions/${id}/messages/mine`,
    );
    expect(answer.status).toBe(200);
    expect(answer.body).toEqual(appended.body);
  });

  it.each(['Mine', 'other', NOBODYS_ID])('answers 404 for %s', async (name) => {
    const { id } = await createSession(api);
    await append(api, id, { id: 'mine', role: 'user', content: 'Hello' });
    const answer = await api.send(
      'GET',
      `/api/chat-sessions/${id}/messages/${name}`,
    );
    expect(answer.status).toBe(404);
    expect(answer.body).toEqual(errorBody('Message not found'));
  });
});
