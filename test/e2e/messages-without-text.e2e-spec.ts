import { beforeEach, describe, expect, it } from 'vitest';
import {
  append,
  createSession,
  errorBody,
  getSession,
  sendCreate,
} from '../support/api.js';
import { Branches } from '../support/branches.js';
import { useTestApp } from '../support/test-app.js';

const api = useTestApp();

let id: string;
let path: string;

beforeEach(async () => {
  ({ id } = await createSession(api));
  path = `/api/chat-sessions/${id}`;
});

describe('a message with parts', () => {
  const PARTS = [
    [],
    [{ type: 'text', text: '' }],
    [{ type: 'text', text: ' \n' }, { type: 'text' }],
    [{ type: 'image' }],
  ];

  it.each(PARTS.map((parts) => [parts]))(
    'may be without a text: %j',
    async (parts) => {
      const texts = { content: '', parts };
      const sent = { id: 'a', role: 'assistant', ...texts };
      const alone = await append(api, id, sent);
      expect(alone.status).toBe(201);
      expect(alone.body.message).toMatchObject(sent);
      expect((await append(api, id, sent)).body).toEqual(alone.body);
      const without = { role: 'user', parts };
      const batch = await append(api, id, { messages: [without, without] });
      expect(batch.status).toBe(201);
      const messages = [sent, without];
      const created = await sendCreate(api, { messages });
      expect(created.status).toBe(201);
      // What was read can be sent again.
      const read = await getSession(api, id);
      const again = read.messages.map(({ role, content, parts: own }) => ({
        role,
        content,
        parts: own,
      }));
      const replaced = await api.send('POST', `${path}/messages/replace`, {
        after_id: null,
        messages: again,
      });
      expect(replaced.status).toBe(201);
      expect((await getSession(api, id)).messages).toMatchObject(again);
    },
  );

  it.each(PARTS.map((parts) => [parts]))(
    'may lose its text: %j',
    async (parts) => {
      const branches = new Branches(api, id);
      await branches.append(['a']);
      const edited = await branches.edit('a', { content: '', parts });
      expect(edited.body.message).toMatchObject({ content: '', parts });
      const marked = await branches.edit('a', { metadata: { seen: true } });
      expect(marked.body.message).toMatchObject({
        content: '',
        parts,
        metadata: { seen: true },
      });
      const blank = await branches.edit('a', { content: ' ' });
      expect(blank.body.message).toMatchObject({ content: ' ', parts });
      const emptied = await branches.edit('a', { parts: null });
      expect(emptied.status).toBe(400);
      expect(emptied.body).toEqual(errorBody('Message cannot be empty'));
    },
  );

  it('has none if they are empty and it has a text', async () => {
    const message = { role: 'user', content: 'x', parts: [] };
    const { body } = await append(api, id, message);
    expect(body.message.parts).toBeNull();
  });
});

describe('a message without parts', () => {
  it('cannot lose its text', async () => {
    const branches = new Branches(api, id);
    await branches.append(['a']);
    const { status, body } = await branches.edit('a', { content: '' });
    expect([status, body]).toEqual([400, errorBody('Message cannot be empty')]);
  });
});
