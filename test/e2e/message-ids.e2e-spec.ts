import { randomUUID } from 'node:crypto';
import { beforeEach, describe, expect, it } from 'vitest';
import { ChatSessionsClient } from '../../src/client/index.js';
import {
  append,
  createSession,
  FAMILY,
  getPage,
  getSession,
  validationErrors,
} from '../support/api.js';
import { Branches } from '../support/branches.js';
import { useTestApp } from '../support/test-app.js';

const api = useTestApp();

const RULE =
  'must be 1 to 255 characters, without control characters and without white space at either end, and not . or ..';

const IDS = [
  ['with a slash', 'chat/1/2'],
  ['with a percent sign', '100%'],
  ['that looks percent-encoded', 'a%2Fb%00%zz'],
  ['with quotes', `"it's" \`so\``],
  ['with characters of a query', 'a?b=c&d#e;f+g'],
  ['with a backslash', 'a\\b\\'],
  ['with a space inside', 'two words'],
  ['with a no-break space inside', 'two\u00a0words'],
  ['in Chinese', '消息一'],
  ['of emoji', FAMILY],
  ['of three dots', '...'],
  ['with a dot', '.hidden'],
  ['like a path', '../..'],
  ['like a key of the store', '~47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU'],
  ['that is the name of a route', 'replace'],
  ['that is the name of a property', '__proto__'],
  ['of 64 characters', 'x'.repeat(64)],
  ['of 65 characters', 'x'.repeat(65)],
  ['of 255 characters', 'x'.repeat(255)],
  ['of 255 characters of 4 bytes', '😀'.repeat(255)],
] as const;

let id: string;
let branches: Branches;
let path: string;

beforeEach(async () => {
  ({ id } = await createSession(api));
  branches = new Branches(api, id);
  path = `/api/chat-sessions/${id}`;
});

describe.each(IDS)('an id %s', (_, messageId) => {
  const encoded = encodeURIComponent(messageId);

  it('goes through every route', async () => {
    const created = await branches.append(['a', messageId, 'b']);
    expect(created.status).toBe(201);
    expect(created.body.messages).toMatchObject([
      { id: 'a', parent_id: null },
      { id: messageId, parent_id: 'a' },
      { id: 'b', parent_id: messageId },
    ]);
    expect((await getPage(api, id)).messages).toEqual(created.body.messages);
    // Another session may have it, too.
    const messages = [{ id: messageId, role: 'user', content: 'x' }];
    const other = await createSession(api);
    expect((await append(api, other.id, { messages })).status).toBe(201);

    const again = await branches.append(['a', messageId, 'b'], null);
    expect([again.status, again.body]).toEqual([200, created.body]);
    const edited = await branches.edit(encoded, { content: 'edited' });
    expect(edited.body.message).toMatchObject({ id: messageId, seq: 2 });
    const read = await api.send('GET', `${path}/messages/${encoded}`);
    expect(read.body).toEqual(edited.body);

    const child = await branches.append(['c'], messageId);
    expect(child.body.messages[0]).toMatchObject({
      parent_id: messageId,
      siblings: [3, 4],
    });
    expect(await branches.ids(`leaf=${encoded}`)).toEqual(['a', messageId]);
    const moved = await branches.goTo(messageId);
    expect(moved.body.chat_session.messages.at(-1)).toMatchObject({ id: 'c' });
    const replaced = await branches.replace(messageId, ['d'], false);
    expect(replaced.status).toBe(201);
    expect(await branches.ids()).toEqual(['a', messageId, 'd']);

    // The newest message, which an append reads from the session's row.
    await branches.delete('d');
    expect((await branches.delete(encoded)).status).toBe(204);
    await branches.append([messageId]);
    const last = await branches.append(['e']);
    expect(last.body.messages[0]).toMatchObject({ parent_id: messageId });
    await api.send('POST', `${path}/clear`);
    expect((await branches.append([messageId])).status).toBe(201);
  });

  it('is found again by an Idempotency-Key', async () => {
    const headers = { 'idempotency-key': randomUUID() };
    const first = await branches.append([messageId], undefined, headers);
    const second = await branches.append([messageId], undefined, headers);
    expect(second.headers['idempotent-replayed']).toBe('true');
    expect(second.body).toEqual(first.body);
  });
});

describe('ids', () => {
  it('are compared by code point', async () => {
    const different = ['é', 'e\u0301', 'É', 'E\u0301', 'Å', '\u212b', 'e', 'E'];
    const { status, body } = await branches.append(different);
    expect(status).toBe(201);
    expect(body.messages.map((one) => one.id)).toEqual(different);
    for (const one of different) {
      const read = await api.send(
        'GET',
        `${path}/messages/${encodeURIComponent(one)}`,
      );
      expect(read.body).toMatchObject({ message: { id: one } });
    }
  });

  it.each([
    ['256 characters', 'x'.repeat(256)],
    ['256 characters of 4 bytes', '😀'.repeat(256)],
    ['no characters', ''],
    ['white space at its end', 'a\u3000'],
    ['white space at its start', '\ufeffa'],
    ['a control character', 'a\u0085b'],
    ['NUL', 'a\0b'],
    ['a line separator', 'a\u2028b'],
    ['one dot', '.'],
    ['two dots', '..'],
  ])('are refused: %s', async (_, wrong) => {
    const before = await getSession(api, id);
    const message = { role: 'user', content: 'x' };
    const refusals = [
      ['id', await append(api, id, { ...message, id: wrong })],
      ['parent_id', await append(api, id, { ...message, parent_id: wrong })],
      ['after_id', await branches.replace(wrong, [])],
      ['message_id', await branches.goTo(wrong)],
      [
        'leaf',
        await api.send(
          'GET',
          `${path}/messages?leaf=${encodeURIComponent(wrong)}`,
        ),
      ],
    ] as const;
    for (const [field, { status, body }] of refusals) {
      expect(status).toBe(400);
      if (wrong !== 'a\0b') {
        expect(body).toEqual(validationErrors(`${field} ${RULE}`));
      }
    }
    expect(await getSession(api, id)).toEqual(before);
  });
});

describe('ChatSessionsClient', () => {
  it('reads, changes and deletes messages with any id', async () => {
    const client = new ChatSessionsClient({ baseUrl: await api.listen() });
    for (const [, messageId] of IDS) {
      const { chat_session } = await client.create({
        messages: [{ id: messageId, role: 'user', content: 'one' }],
      });
      const { message } = await client.message(chat_session.id, messageId);
      expect(message).toEqual(chat_session.messages[0]);
      const { message: answer } = await client.regenerate(
        chat_session.id,
        messageId,
        { role: 'assistant', content: 'two' },
      );
      expect(answer.parent_id).toBe(messageId);
      await client.goTo(chat_session.id, messageId);
      const changes = { content: 'new' };
      const changed = await client.updateMessage(
        chat_session.id,
        messageId,
        changes,
      );
      expect(changed.message).toMatchObject({ id: messageId, ...changes });
      await client.deleteMessage(chat_session.id, messageId);
      const { messages } = await client.page(chat_session.id);
      expect(messages.map(({ id: left }) => left)).toEqual([answer.id]);
    }
  });
});
