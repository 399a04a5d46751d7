import { describe, expect, it } from 'vitest';
import {
  append,
  createSession,
  FAMILY,
  getPage,
  getSession,
  validationErrors,
} from '../support/api.js';
import { useTestApp } from '../support/test-app.js';

const api = useTestApp();

describe('POST /api/chat-sessions/:session_id/messages: content', () => {
  it.each([
    ['emoji', `😀 ${FAMILY} 🏳️‍🌈 🇦🇹`],
    ['right to left', 'שלום \u202bمرحبا\u202c'],
    ['zero width', 'a\u200bb\u200cc\u200dd\ufeff'],
    ['CJK', '語 𠮷 한글 ㌔'],
    ['both forms of é', '\u00e9 e\u0301'],
    ['separators', 'a\u2028b\u2029c\r\nd\te\u0085f\u000bg\u007fh'],
    ['noncharacters', '\ufffe\uffff\u{10ffff}\ufffd'],
    ['SQL', `' OR 1=1-- "; DROP TABLE chat_messages; \\' %_ \``],
    ['JSON and HTML', '{"a":"\\u0000"} <script>&amp;'],
    ['white space around', ' \n x \t '],
  ])('comes back unchanged: %s', async (_, content) => {
    const { id } = await createSession(api);
    const parts = [{ type: 'text', text: content, [content]: content }];
    const metadata = { [content]: [content] };
    await append(api, id, { role: 'user', content, parts, metadata });
    const [message] = (await getPage(api, id)).messages;
    expect(message).toMatchObject({ content, metadata });
    expect(message?.parts).toEqual(parts);
    // A title differs only in white space and byte order marks.
    const title = content
      .replaceAll('\ufeff', '')
      .split(/\s+/)
      .join(' ')
      .trim();
    expect((await getSession(api, id)).title).toBe(title);
  });

  it('has at most 1 MiB', async () => {
    const { id } = await createSession(api);
    const content = '😀'.repeat(256 * 1024);
    const response = await append(api, id, { role: 'user', content });
    expect(response.status).toBe(201);
    expect((await getPage(api, id)).messages[0]?.content === content).toBe(
      true,
    );
    const more = await append(api, id, {
      role: 'user',
      content: `${content}x`,
    });
    expect(more.status).toBe(400);
    expect(more.body).toEqual(
      validationErrors('content must be at most 1048576 bytes long'),
    );
  });

  it('is by default the text of the text parts', async () => {
    const { id } = await createSession(api);
    const parts = [
      { type: 'text', text: 'One' },
      { type: 'image', text: 'not this' },
      { type: 'text', text: 'two\n' },
      { type: 'text', text: 3 },
      { type: 'text' },
      { type: 'text', text: '' },
      { type: 'text', text: '😀' },
    ];
    const response = await append(api, id, { role: 'user', parts });
    expect(response.status).toBe(201);
    expect(response.body.message).toMatchObject({
      content: 'One\ntwo\n\n\n😀',
      parts,
    });
  });

  it('has at most 1 MiB of the text parts', async () => {
    const { id } = await createSession(api);
    const partsOf = (...texts: string[]) =>
      texts.map((text) => ({ type: 'text', text }));
    const half = 'é'.repeat(256 * 1024);
    const most = partsOf(half, half.slice(1), 'x');
    const response = await append(api, id, { role: 'user', parts: most });
    expect(response.status).toBe(400);
    expect(response.body).toEqual(
      validationErrors(
        'the texts of parts must be at most 1048576 bytes long without content',
      ),
    );
    const fitting = partsOf(half, half.slice(1), '');
    const stored = await append(api, id, {
      id: 'm',
      role: 'user',
      parts: fitting,
    });
    expect(stored.status).toBe(201);
    const path = `/api/chat-sessions/${id}/messages/m`;
    expect((await api.send('PATCH', path, { parts: most })).status).toBe(400);
    const more = { role: 'user', content: 'In short', parts: most };
    expect((await append(api, id, more)).status).toBe(201);
  });

  it('is kept if parts have another text', async () => {
    const { id } = await createSession(api);
    const parts = [{ type: 'text', text: 'In parts' }];
    const response = await append(api, id, {
      role: 'user',
      content: 'Sent',
      parts,
    });
    expect(response.body.message).toMatchObject({ content: 'Sent', parts });
  });
});

describe('POST /api/chat-sessions/:session_id/messages: parts', () => {
  it('come back unchanged, in the order of their keys', async () => {
    const { id } = await createSession(api);
    const parts =
      '[{"type":"tool_call","z":1,"a":{"y":[null,true,-1.5e-7,"\u2028é語😀"],"b":{}}},' +
      '{"b":"first","type":"never-heard-of","a":[[[]],{"":""}],"constructor":"x"}]';
    const response = await append(
      api,
      id,
      JSON.parse(`{"role":"assistant","parts":${parts}}`) as object,
    );
    expect(response.status).toBe(201);
    expect(JSON.stringify(response.body.message.parts)).toBe(parts);
    const { text } = await api.send('GET', `/api/chat-sessions/${id}/messages`);
    expect(text).toContain(`"parts":${parts},`);
  });

  it.each([
    [[{ text: 'no type' }]],
    [[{ type: 1 }]],
    [[{ type: 'text', text: 'x' }, null]],
    [['text']],
    [[[]]],
  ])('refuses %j', async (parts) => {
    const { id } = await createSession(api);
    const response = await append(api, id, { role: 'user', parts });
    expect(response.status).toBe(400);
    expect(response.body).toEqual(
      validationErrors('each value in parts must be an object with a type'),
    );
  });
});

describe('POST /api/chat-sessions/:session_id/messages: limits', () => {
  const hello = { role: 'user', content: 'Hello' };

  it.each([
    ['2,000 parts', { parts: Array(2000).fill({ type: 'x' }) }],
    ['100 references', { references: Array(100).fill({ section: 'x' }) }],
    ['64 KiB of metadata', { metadata: { a: 'x'.repeat(65_528) } }],
  ])('allow %s', async (_, fields) => {
    const { id } = await createSession(api);
    const response = await append(api, id, { ...hello, ...fields });
    expect(response.status).toBe(201);
    expect(response.body.message).toMatchObject(fields);
  });

  it.each([
    [
      '2,001 parts',
      { parts: Array(2001).fill({ type: 'x' }) },
      'parts must contain no more than 2000 elements',
    ],
    [
      '101 references',
      { references: Array(101).fill({ section: 'x' }) },
      'references must contain no more than 100 elements',
    ],
    [
      'a byte over 64 KiB of metadata',
      { metadata: { a: 'x'.repeat(65_529) } },
      'metadata must be at most 65536 bytes of JSON',
    ],
    [
      'references that are strings',
      { references: ['sec-7'] },
      'each value in references must be an object',
    ],
  ])('refuse %s', async (_, fields, problem) => {
    const { id } = await createSession(api);
    const response = await append(api, id, { ...hello, ...fields });
    expect(response.status).toBe(400);
    expect(response.body).toEqual(validationErrors(problem));
  });

  it.each([
    [0, 'messages must contain at least 1 elements'],
    [101, 'messages must contain no more than 100 elements'],
  ])('refuse a batch of %i messages', async (count, problem) => {
    const { id } = await createSession(api);
    const response = await append(api, id, {
      messages: Array(count).fill(hello),
    });
    expect(response.status).toBe(400);
    expect(response.body).toEqual(validationErrors(problem));
  });
});
