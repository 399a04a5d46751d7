import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import {
  A_TIME,
  A_UUID_V7,
  append,
  createSession,
  errorBody,
  FAMILY,
  getSession,
  NOBODYS_ID,
  numbers,
  type Session,
  validationErrors,
} from '../support/api.js';
import { useTestApp } from '../support/test-app.js';

const api = useTestApp();

function create(body: object) {
  return api.send<{ chat_session: Session }>(
    'POST',
    '/api/chat-sessions',
    body,
  );
}

describe('POST /api/chat-sessions', () => {
  it('creates a session with all fields', async () => {
    const fields = {
      id: randomUUID(),
      title: 'Refunds',
      document_id: 'doc-1',
      section_id: 'sec-1',
      context_documents: ['doc-2', 'doc-3'],
      config: { model: 'large', temperature: 0.2, stop: ['\n'] },
      metadata: { source: { page: 'help', tags: [1, null, true] } },
    };
    const response = await create({
      ...fields,
      messages: [
        { id: 'first', role: 'system', content: 'Be brief.' },
        {
          role: 'user',
          content: 'Which section?',
          parts: [{ type: 'text', text: 'Which section?' }],
          references: [{ section: 'sec-7' }],
          metadata: { lang: 'en' },
        },
      ],
    });
    expect(response.status).toBe(201);
    expect(response.body).toEqual({
      chat_session: {
        ...fields,
        messages: [
          {
            id: 'first',
            seq: 1,
            role: 'system',
            content: 'Be brief.',
            parts: null,
            references: [],
            metadata: {},
            timestamp: A_TIME,
          },
          {
            id: A_UUID_V7,
            seq: 2,
            role: 'user',
            content: 'Which section?',
            parts: [{ type: 'text', text: 'Which section?' }],
            references: [{ section: 'sec-7' }],
            metadata: { lang: 'en' },
            timestamp: A_TIME,
          },
        ],
        references: [{ section: 'sec-7' }],
        pinned: false,
        archived: false,
        message_count: 2,
        last_message_at: A_TIME,
        version: 1,
        created_at: A_TIME,
        updated_at: A_TIME,
      },
    });
    expect(await getSession(api, fields.id)).toEqual(
      response.body.chat_session,
    );
  });

  it('has a default for each field', async () => {
    const response = await create({});
    expect(response.status).toBe(201);
    expect(response.body).toEqual({
      chat_session: {
        id: A_UUID_V7,
        title: null,
        document_id: null,
        section_id: null,
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
    });
    const { created_at, updated_at } = response.body.chat_session;
    expect(updated_at).toBe(created_at);
  });

  it('accepts an id in upper case and answers it in lower case', async () => {
    const id = randomUUID();
    const response = await create({ id: id.toUpperCase() });
    expect(response.body.chat_session.id).toBe(id);
    expect((await getSession(api, id.toUpperCase())).id).toBe(id);
  });

  it('answers 200 with the current session to an id sent again', async () => {
    const { id } = await createSession(api, { id: randomUUID() }, 1);
    await append(api, id, { role: 'assistant', content: 'Since then' });
    const now = await getSession(api, id);
    const again = { id: id.toUpperCase(), title: 'Other', config: { a: 1 } };
    const response = await create(again);
    expect(response.status).toBe(200);
    expect(response.body).toEqual({ chat_session: now });
    expect(await getSession(api, id)).toEqual(now);
  });

  it('answers 409 to a section that has a session', async () => {
    const section = { document_id: 'taken', section_id: 'sec-1' };
    const { id } = await createSession(api, section);
    const response = await create(section);
    expect(response.status).toBe(409);
    expect(response.body).toEqual(
      errorBody('The section already has a chat session'),
    );
    expect((await create({ ...section, id: randomUUID() })).status).toBe(409);
    expect((await create({ ...section, id })).status).toBe(200);
  });

  it('creates several sessions of a document without a section', async () => {
    expect((await create({ document_id: 'shared' })).status).toBe(201);
    expect((await create({ document_id: 'shared' })).status).toBe(201);
  });

  it.each([{}, { document_id: null }])(
    'refuses a section without a document: %j',
    async (fields) => {
      const response = await create({ ...fields, section_id: 'sec-1' });
      expect(response.status).toBe(400);
      expect(response.body).toEqual(
        validationErrors('section_id requires document_id'),
      );
    },
  );

  it('creates nothing if a message is empty', async () => {
    const id = randomUUID();
    const response = await create({
      id,
      messages: [
        { role: 'user', content: 'Hello' },
        { role: 'user', content: ' ' },
      ],
    });
    expect(response.status).toBe(400);
    expect(response.body).toEqual(errorBody('Message cannot be empty'));
    const path = `/api/chat-sessions/${id}`;
    expect((await api.send('GET', path)).status).toBe(404);
  });

  it('refuses a repeated message id', async () => {
    const message = { id: 'same', role: 'user', content: 'Hello' };
    const response = await create({ messages: [message, message] });
    expect(response.status).toBe(400);
    expect(response.body).toEqual(
      validationErrors('messages must not hold the same id twice'),
    );
  });

  it.each([
    ['title', '😀'.repeat(200), '😀'.repeat(201)],
    ['document_id', '語'.repeat(191), '語'.repeat(192)],
    ['context_documents', Array(100).fill('d'), Array(101).fill('d')],
    ['config', { a: 'x'.repeat(65_528) }, { a: 'x'.repeat(65_529) }],
    ['metadata', { a: 'é'.repeat(8_188) }, { a: `x${'é'.repeat(8_188)}` }],
  ])('limits %s', async (field, largest, tooLarge) => {
    const response = await create({ [field]: largest });
    expect(response.status).toBe(201);
    expect(response.body.chat_session).toMatchObject({ [field]: largest });
    expect((await create({ [field]: tooLarge })).status).toBe(400);
  });
});

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
    ['a byte order mark', ['\uFEFF\uFEFFHello'], 'Hello'],
    ['line breaks', ['Hello,\r\n\tworld \n'], 'Hello, world'],
    ['white space at the cut', [`${'x'.repeat(79)} y`], 'x'.repeat(79)],
  ])('leaves out %s', async (_, [content], title) => {
    const response = await create({ messages: [{ role: 'user', content }] });
    expect(response.body.chat_session.title).toBe(title);
  });

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

describe('GET /api/chat-sessions/:session_id', () => {
  it('answers 404 if the session does not exist', async () => {
    const response = await api.send('GET', `/api/chat-sessions/${NOBODYS_ID}`);
    expect(response.status).toBe(404);
    expect(response.text).toBe('{"error":"Chat session not found"}');
  });

  it.each([
    ['', numbers(161, 210)],
    ['?messages=0', []],
    ['?messages=3', numbers(208, 210)],
    ['?messages=200', numbers(11, 210)],
  ])('has the newest messages, oldest first: %s', async (query, seqs) => {
    const { id } = await createSession(api, {}, 210);
    const response = await api.send<{ chat_session: Session }>(
      'GET',
      `/api/chat-sessions/${id}${query}`,
    );
    expect(response.status).toBe(200);
    const { messages, message_count } = response.body.chat_session;
    expect(messages.map(({ seq }) => seq)).toEqual(seqs);
    expect(messages.map(({ content }) => content)).toEqual(
      seqs.map((seq) => `message ${seq}`),
    );
    expect(message_count).toBe(210);
  });

  it.each([
    ['201', 'must not be greater than 200'],
    ['-1', 'must not be less than 0'],
    ['abc', 'must be an integer number'],
    ['1.5', 'must be an integer number'],
    ['', 'must be an integer number'],
    ['1&messages=2', 'must be an integer number'],
  ])('refuses ?messages=%s', async (value, problem) => {
    const { id } = await createSession(api);
    const response = await api.send(
      'GET',
      `/api/chat-sessions/${id}?messages=${value}`,
    );
    expect(response.status).toBe(400);
    expect(response.body).toEqual(validationErrors(`messages ${problem}`));
  });

  it('has the references of its messages, without duplicates', async () => {
    const [a, b, c] = [{ section: 'a' }, { section: 'b' }, { page: 1 }];
    const { id } = await createSession(api);
    for (const references of [[c], [a, b, a], [b, a], []]) {
      await append(api, id, { role: 'user', content: 'x', references });
    }
    expect((await getSession(api, id)).references).toEqual([c, a, b]);
    const response = await api.send<{ chat_session: Session }>(
      'GET',
      `/api/chat-sessions/${id}?messages=2`,
    );
    expect(response.body.chat_session.references).toEqual([b, a]);
  });
});
