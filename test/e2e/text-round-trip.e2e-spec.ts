import { describe, expect, it } from 'vitest';
import {
  append,
  createSession,
  FAMILY,
  getPage,
  getSession,
  listSessions,
  type Message,
  type MessagePage,
  type Session,
} from '../support/api.js';
import { asOwner } from '../support/owners.js';
import { useTestApp } from '../support/test-app.js';
import { JWT_MODE } from '../support/tokens.js';

const api = useTestApp({ environment: JWT_MODE });
const carol = asOwner(api, 'carol');

const SESSIONS = '/api/chat-sessions';
const ONE_MIB_OF_EMOJI = '😀'.repeat(256 * 1024);

/** The newest message, by every route that answers it. */
async function newestEverywhere(id: string, messageId: string) {
  const history = await carol.send<MessagePage>('GET', '/api/history');
  const path = `${SESSIONS}/${id}/messages/${messageId}`;
  const one = await carol.send<{ message: Message }>('GET', path);
  return [
    one.body.message,
    (await getPage(carol, id)).messages.at(-1),
    (await getSession(carol, id)).messages.at(-1),
    history.body.messages.at(-1),
  ];
}

describe('text that often gets damaged', () => {
  it.each([
    ['emoji', '😀 🏳️‍🌈 🇦🇹 👍🏽'],
    ['RTL', 'שלום \u202bمرحبا\u202c \u2067abc\u2069'],
    ['ZWJ', `${FAMILY} a\u200db\u200d`],
    ['CJK', '語 𠮷 한글 ㌔ 葛\u{e0100}'],
    ['U+2028', 'a\u2028b\u2029c'],
    ['both forms of é', '\u00e9 e\u0301'],
    ["' OR 1=1--", "' OR 1=1--"],
    ['%', '%'],
    ['_', '_'],
    ['a backslash at the end', "\\' \\"],
    ['the maximum of 4-byte characters', ONE_MIB_OF_EMOJI],
  ])('comes back unchanged from every route: %s', async (_, content) => {
    const start = content.slice(0, 128);
    const fields = { title: start, metadata: { [start]: start } };
    const { id } = await createSession(carol, fields);
    const message = {
      id: 'mine',
      role: 'user',
      content,
      metadata: { a: start },
    };
    const response = await append(carol, id, message);
    expect(response.status).toBe(201);
    for (const shown of [
      response.body.message,
      ...(await newestEverywhere(id, 'mine')),
    ]) {
      // Not `toBe`, which would print a difference of a megabyte.
      expect(shown?.content === content).toBe(true);
      expect(shown).toMatchObject({ metadata: { a: start } });
    }
    expect(await getSession(carol, id)).toMatchObject(fields);
  });

  it.each(["' OR 1=1--", '%', '_', '😀', 'שלום', '語', FAMILY])(
    'is no pattern as the id of a document and section: %s',
    async (name) => {
      const encoded = encodeURIComponent(name);
      const path = `/api/documents/${encoded}/sections/${encoded}/chat-session`;
      const response = await carol.send<{ chat_session: Session }>(
        'POST',
        path,
      );
      expect(response.status).toBe(201);
      const { id, document_id, section_id } = response.body.chat_session;
      expect([document_id, section_id]).toEqual([name, name]);
      const query = `document_id=${encoded}&section_id=${encoded}`;
      const { chat_sessions } = await listSessions(carol, query);
      expect(chat_sessions.map((found) => found.id)).toEqual([id]);
    },
  );
});
