import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import {
  A_TIME,
  A_UUID_V7,
  append,
  createSession,
  errorBody,
  getSession,
  NOBODYS_ID,
  numbers,
  sendCreate,
  type Session,
  validationErrors,
} from '../support/api.js';
import { useTestApp } from '../support/test-app.js';

const api = useTestApp();

const create = (body: object) => sendCreate(api, body);

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
            parent_id: null,
            role: 'system',
            content: 'Be brief.',
            parts: null,
            references: [],
            metadata: {},
            timestamp: A_TIME,
            edited_at: null,
          },
          {
            id: A_UUID_V7,
            seq: 2,
            parent_id: 'first',
            role: 'user',
            content: 'Which section?',
            parts: [{ type: 'text', text: 'Which section?' }],
            references: [{ section: 'sec-7' }],
            metadata: { lang: 'en' },
            timestamp: A_TIME,
            edited_at: null,
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
    ['title', '😀'.repeat(255), '😀'.repeat(256)],
    ['document_id', '語'.repeat(191), '語'.repeat(192)],
    ['context_documents', Array(100).fill('d'), Array(101).fill('d')],
    ['config', { a: 'x'.repeat(65_528) }, { a: 'x'.repeat(65_529) }],
    ['metadata', { a: 'é'.repeat(32_764) }, { a: `x${'é'.repeat(32_764)}` }],
  ])('limits %s', async (field, largest, tooLarge) => {
    const response = await create({ [field]: largest });
    expect(response.status).toBe(201);
    expect(response.body.chat_session).toMatchObject({ [field]: largest });
    expect((await create({ [field]: tooLarge })).status).toBe(400);
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
