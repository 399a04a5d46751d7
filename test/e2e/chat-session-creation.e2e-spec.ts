import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import {
  append,
  createSession,
  errorBody,
  FAMILY,
  getPage,
  getSession,
  sendCreate,
} from '../support/api.js';
import { useTestApp } from '../support/test-app.js';

const api = useTestApp();

const create = (body: object) => sendCreate(api, body);

describe('POST /api/chat-sessions: a create that is sent again', () => {
  const messages = [
    { role: 'user', content: 'Hello' },
    { role: 'assistant', content: 'Hi' },
  ];
  const other = { role: 'user', content: 'Other' };

  it('answers 200 with the same messages, also after an append', async () => {
    const id = randomUUID();
    expect((await create({ id, messages })).status).toBe(201);
    await append(api, id, other);
    const again = await create({ id, messages });
    expect(again.status).toBe(200);
    expect(again.body.chat_session.message_count).toBe(3);
    expect((await create({ id })).status).toBe(200);
  });

  it.each([
    ['other messages', [messages[0], other]],
    ['more messages', [...messages, other]],
    ['another message id', [{ ...messages[0], id: 'mine' }]],
  ])('answers 409 with %s, and stores nothing', async (_, changed) => {
    const id = randomUUID();
    await create({ id, messages });
    const before = await getSession(api, id);
    const again = await create({ id, messages: changed });
    expect(again.status).toBe(409);
    expect(again.body).toEqual(
      errorBody('Chat session exists with other messages', 'session_differs'),
    );
    expect(await getSession(api, id)).toEqual(before);
  });

  it('compares messages of more than one page', async () => {
    const id = randomUUID();
    const text = { role: 'user', content: 'x'.repeat(1024 * 1024) };
    const messagesWith = (content: string) => [
      text,
      text,
      text,
      text,
      { role: 'user', content },
    ];
    const sent = { id, messages: messagesWith('A') };
    expect((await create(sent)).status).toBe(201);
    expect((await create(sent)).status).toBe(200);
    const changed = { id, messages: messagesWith('B') };
    expect((await create(changed)).status).toBe(409);
  });

  it('compares the messages that are left after one was deleted', async () => {
    const id = randomUUID();
    const sent = [...messages, other];
    await create({ id, messages: sent });
    const { id: deleted } = (await getPage(api, id)).messages[1]!;
    const path = `/api/chat-sessions/${id}/messages/${deleted}`;
    expect((await api.send('DELETE', path)).status).toBe(204);
    expect((await create({ id, messages: sent })).status).toBe(200);
    const changed = [...messages, messages[0]];
    expect((await create({ id, messages: changed })).status).toBe(409);
  });

  it('answers 409 with messages if the session had none', async () => {
    const id = randomUUID();
    await create({ id });
    expect((await create({ id, messages })).status).toBe(409);
  });

  it('answers 200 after a clear, as nobody can tell what was sent first', async () => {
    const id = randomUUID();
    await create({ id, messages });
    await api.send('POST', `/api/chat-sessions/${id}/clear`);
    expect((await create({ id, messages })).status).toBe(200);
  });
});

describe('POST /api/chat-sessions: title', () => {
  it('is the start of the first user message', async () => {
    const response = await create({
      messages: [
        { role: 'assistant', content: 'How can I help?' },
        { role: 'user', content: `${'x'.repeat(80)}y` },
        { role: 'user', content: 'second' },
      ],
    });
    expect(response.body.chat_session.title).toBe('x'.repeat(80));
  });

  it.each([
    ['if it fits', 73, FAMILY],
    ['not if it does not fit', 74, ''],
  ])('includes the last grapheme %s', async (_, before, taken) => {
    const start = 'x'.repeat(before);
    const content = `${start}${FAMILY}${FAMILY}`;
    const response = await create({ messages: [{ role: 'user', content }] });
    expect(response.body.chat_session.title).toBe(start + taken);
  });

  it.each([
    ['white space', [' '.repeat(80) + 'Hello'], 'Hello'],
    [
      'a long start of white space',
      ['\n'.repeat(1_000_000) + 'Hello'],
      'Hello',
    ],
    ['a byte order mark', ['\uFEFF\uFEFFHello'], 'Hello'],
    ['line breaks', ['Hello,\r\n\tworld \n'], 'Hello, world'],
    ['white space at the cut', [`${'x'.repeat(79)} y`], 'x'.repeat(79)],
  ])('leaves out %s', async (_, [content], title) => {
    const response = await create({ messages: [{ role: 'user', content }] });
    expect(response.body.chat_session.title).toBe(title);
  });

  it('is null if not one grapheme fits', async () => {
    const content = `a${'\u0301'.repeat(100)}`;
    const response = await create({ messages: [{ role: 'user', content }] });
    expect(response.body.chat_session.title).toBeNull();
  });

  it.each(['\n', '\t', '\u00a0', '\ufeff', '  '])(
    'is that of the next message if the first has a picture and %j',
    async (text) => {
      const parts = [
        { type: 'text', text },
        { type: 'image', url: 'a.png' },
      ];
      const { id } = await createSession(api, {});
      await append(api, id, { role: 'user', parts });
      await append(api, id, { role: 'user', content: 'What is this?' });
      expect((await getSession(api, id)).title).toBe('What is this?');
    },
  );

  it('is the first text if the first user message is a picture', async () => {
    const picture = { role: 'user', parts: [{ type: 'image', url: 'a.png' }] };
    const text = { role: 'user', content: 'What is this?' };
    const response = await create({ messages: [picture, text] });
    expect(response.body.chat_session.title).toBe('What is this?');

    const { id } = await createSession(api, {});
    await append(api, id, picture);
    expect((await getSession(api, id)).title).toBeNull();
    await append(api, id, text);
    expect((await getSession(api, id)).title).toBe('What is this?');
    await append(api, id, { role: 'user', content: 'And this?' });
    expect((await getSession(api, id)).title).toBe('What is this?');
  });

  it.each([
    [11, undefined],
    [50, undefined],
    [11, '\n'],
    [50, ' '],
    [99, '\ufeff'],
  ])(
    'is the first text after %i pictures with the text %j',
    async (pictures, content) => {
      const parts = [{ type: 'image', url: 'a.png' }];
      const { id } = await createSession(api, {});
      for (let sent = 0; sent < pictures; sent += 50) {
        const length = Math.min(50, pictures - sent);
        const messages = Array(length).fill({ role: 'user', content, parts });
        await append(api, id, { messages });
      }
      expect((await getSession(api, id)).title).toBeNull();
      await append(api, id, { role: 'user', content: 'What are these?' });
      expect((await getSession(api, id)).title).toBe('What are these?');

      // A title that was cleared does not come back.
      const path = `/api/chat-sessions/${id}`;
      await api.send('PATCH', path, { title: null });
      await append(api, id, { role: 'user', content: 'And this?' });
      expect((await getSession(api, id)).title).toBeNull();
    },
  );

  it.each([' ', '\n', '\ufeff'])(
    'stays cleared if the first text begins with many %j',
    async (blank) => {
      const content = `${blank.repeat(1_000)}Hello`;
      const messages = [{ role: 'user', content }];
      const { chat_session } = (await create({ messages })).body;
      expect(chat_session.title).toBe('Hello');
      const path = `/api/chat-sessions/${chat_session.id}`;
      await api.send('PATCH', path, { title: null });
      await append(api, chat_session.id, { role: 'user', content: 'More' });
      expect((await getSession(api, chat_session.id)).title).toBeNull();
    },
  );

  it('is null without a user message', async () => {
    const messages = [{ role: 'assistant', content: 'How can I help?' }];
    const response = await create({ messages });
    expect(response.body.chat_session.title).toBeNull();
  });

  it('can be given', async () => {
    const messages = [{ role: 'user', content: 'Hello' }];
    const response = await create({ title: 'Given', messages });
    expect(response.body.chat_session.title).toBe('Given');
  });
});
