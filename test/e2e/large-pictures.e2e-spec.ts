import { beforeAll, describe, expect, it } from 'vitest';
import {
  append,
  createSession,
  errorBody,
  getPage,
  getSession,
  type Message,
} from '../support/api.js';
import { perStore } from '../support/stores.js';
import { useTestApp } from '../support/test-app.js';

// With the default of BODY_LIMIT.
const api = useTestApp();

const MIB = 2 ** 20;
const LIMIT = 16 * MIB;

/** A message with a picture of 12 MiB as a data URL. */
const PICTURE = {
  id: 'picture',
  role: 'user',
  content: 'What is this?',
  parts: [
    {
      type: 'image',
      image: `data:image/png;base64,${'iVBORw0K'.repeat(1.5 * MIB)}`,
    },
  ],
};

let id: string;

beforeAll(async () => {
  ({ id } = await createSession(api, {}, 3));
  await append(api, id, PICTURE);
  await append(api, id, { role: 'user', content: 'after' });
});

function seqsOf(messages: Message[]): number[] {
  return messages.map(({ seq }) => seq);
}

describe('a message of 12 MiB', () => {
  it.each([
    ['the newest', '', [5], true, false],
    ['before its neighbour', 'before=5', [4], true, true],
    ['around it', 'around=4', [4], true, true],
    ['before it', 'before=4', [1, 2, 3], false, true],
    ['from the start', 'after=0', [1, 2, 3], false, true],
    ['after its neighbour', 'after=3', [4], true, true],
    ['after it', 'after=4', [5], true, false],
    ['in order of arrival', 'tree=true&after=3', [4], true, true],
  ])('is a page of its own: %s', async (_, query, seqs, before, after) => {
    const page = await getPage(api, id, query);
    expect(seqsOf(page.messages)).toEqual(seqs);
    expect([page.has_before, page.has_after]).toEqual([before, after]);
  });

  it('is returned exactly, alone and in a page', async () => {
    const path = `/api/chat-sessions/${id}/messages/picture`;
    const { body } = await api.send<{ message: Message }>('GET', path);
    expect(body.message.parts![0]!.image === PICTURE.parts[0]!.image).toBe(
      true,
    );
    const page = await getPage(api, id, 'around=4');
    expect(
      JSON.stringify(page.messages[0]) === JSON.stringify(body.message),
    ).toBe(true);
  });

  it('ends the messages of its session', async () => {
    expect(seqsOf((await getSession(api, id)).messages)).toEqual([5]);
    const other = await createSession(api, { messages: [] });
    await append(api, other.id, { role: 'user', content: 'before' });
    await append(api, other.id, PICTURE);
    const { messages, message_count } = await getSession(api, other.id);
    expect(seqsOf(messages)).toEqual([2]);
    expect(message_count).toBe(2);
  });

  it('is stored once if it is sent again', async () => {
    const again = await append(api, id, PICTURE);
    expect(again.status).toBe(200);
    expect(again.body.message.seq).toBe(4);
    expect((await getSession(api, id)).message_count).toBe(5);
  });
});

describe('the largest body', () => {
  const start = '{"role":"user","parts":[{"type":"x","data":"';
  const end = '"}]}';
  const bodyOf = (bytes: number) =>
    start + 'x'.repeat(bytes - start.length - end.length) + end;

  it('of 16 MiB is accepted, unless the server takes less at once', async () => {
    const { status } = await appendText(bodyOf(LIMIT));
    // MariaDB takes 16 MiB, with what surrounds the message.
    expect(status).toBe(perStore({ sqlite: 201, mysql: 413 }));
  });

  it('with a byte more gets 413', async () => {
    const { status, body } = await appendText(bodyOf(LIMIT + 1));
    expect([status, body]).toEqual([
      413,
      errorBody('Request body is too large'),
    ]);
  });

  async function appendText(text: string) {
    const session = await createSession(api);
    const path = `/api/chat-sessions/${session.id}/messages`;
    return api.send('POST', path, text);
  }
});
