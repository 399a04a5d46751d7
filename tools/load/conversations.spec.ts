import { createReadStream } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { BrokenLine, readConversations } from './conversations.js';

const FIXTURE = new URL(
  '../../test/fixtures/conversations.jsonl',
  import.meta.url,
);
const NO_MESSAGE =
  'a message needs role and content, both texts; parts must be a list';

function conversation(content = 'Hello') {
  return { source: 'test', messages: [{ role: 'user', content }] };
}

/** Reads a file of these bytes in chunks of `size` bytes. */
async function read(file: string | Buffer, size = 7) {
  const bytes = Buffer.from(file);
  async function* chunks() {
    for (let start = 0; start < bytes.length; start += size) {
      yield bytes.subarray(start, start + size);
    }
  }
  const lines = [];
  for await (const line of readConversations(chunks())) lines.push(line);
  return lines;
}

/** Returns the number of each line with its first text, or with its problem. */
async function summary(file: string | Buffer) {
  return (await read(file)).map(({ number, conversation: found }) => [
    number,
    found instanceof BrokenLine ? found.message : found.messages[0]!.content,
  ]);
}

describe('readConversations', () => {
  it('reads one conversation per line and keeps other fields of messages', async () => {
    const first = {
      ...conversation(),
      title: 'A title',
      messages: [
        { role: 'assistant', content: '', parts: [{ type: 'tool_call' }] },
        { role: 'user', content: 'x', metadata: { a: 1 } },
      ],
    };
    const second = conversation('Second');
    const file = `${JSON.stringify(first)}\n${JSON.stringify(second)}\n`;
    expect(await read(file)).toEqual([
      { number: 1, end: file.indexOf('\n') + 1, conversation: first },
      { number: 2, end: file.length, conversation: second },
    ]);
  });

  it('ends lines only at line feeds', async () => {
    const separators = 'a\u2028b\u2029c\u0085d\u{1f600}e';
    const file = [separators, 'next'].map((text) =>
      JSON.stringify(conversation(text)),
    );
    expect(file[0]).toContain('\u2028');
    // JSON allows a carriage return between the tokens of a line.
    const spaced = JSON.stringify(conversation('\v')).replace(':', ':\r');
    expect(await summary([...file, spaced].join('\n'))).toEqual([
      [1, separators],
      [2, 'next'],
      [3, '\v'],
    ]);
  });

  it.each([1, 2, 3, 64, 1_000_000])(
    'reads the same from chunks of %i bytes',
    async (size) => {
      const texts = ['\u{1f600}語é\u2028', '', 'x'.repeat(200)];
      const file = texts.map((text) => JSON.stringify(conversation(text)));
      const lines = await read(file.join('\n'), size);
      expect(lines.map((line) => line.conversation)).toEqual(
        texts.map((text) => conversation(text)),
      );
    },
  );

  it('accepts CRLF, a byte order mark and no line feed at the end', async () => {
    const lines = ['one', 'two'].map((text) =>
      JSON.stringify(conversation(text)),
    );
    expect(await summary(`\ufeff${lines.join('\r\n')}`)).toEqual([
      [1, 'one'],
      [2, 'two'],
    ]);
  });

  it('skips empty lines but counts them', async () => {
    const line = JSON.stringify(conversation());
    expect(await summary(`\n \t\r\n${line}\n\n\n`)).toEqual([[3, 'Hello']]);
    expect(await summary('')).toEqual([]);
    expect(await summary('\ufeff\n')).toEqual([]);
  });

  it.each([
    ['{"source": "test", "mess', 'not JSON in UTF-8'],
    [Buffer.from('{"source": "\xff"}', 'latin1'), 'not JSON in UTF-8'],
    ['[]', 'not a JSON object'],
    ['null', 'not a JSON object'],
    ['{"messages": []}', 'source must be a text'],
    ['{"source": "s", "title": 1}', 'title must be a text'],
    ['{"source": "s"}', 'messages must be a list, and not empty'],
    [
      '{"source": "s", "messages": []}',
      'messages must be a list, and not empty',
    ],
    ['{"source": "s", "messages": [null]}', NO_MESSAGE],
    ['{"source": "s", "messages": [{"role": "user"}]}', NO_MESSAGE],
    [
      '{"source": "s", "messages": [{"role": "user", "content": "", "parts": {}}]}',
      NO_MESSAGE,
    ],
    [
      JSON.stringify({ ...conversation(), id: 1, tags: [] }),
      'unknown field id, tags',
    ],
  ])('reports %s and reads on', async (broken, reason) => {
    const good = Buffer.from(`\n${JSON.stringify(conversation())}\n`);
    expect(
      await summary(Buffer.concat([good, Buffer.from(broken), good])),
    ).toEqual([
      [2, 'Hello'],
      [3, reason],
      [4, 'Hello'],
    ]);
  });

  it('reads real conversations', async () => {
    const perSource = new Map<string, number>();
    let text = '';
    let end = 0;
    const stream = createReadStream(FIXTURE, { highWaterMark: 1000 });
    for await (const line of readConversations(stream)) {
      if (line.conversation instanceof BrokenLine) throw line.conversation;
      const { source, messages } = line.conversation;
      perSource.set(source, (perSource.get(source) ?? 0) + 1);
      text += messages.map(({ content }) => content).join('');
      end = line.end;
    }
    expect(Object.fromEntries(perSource)).toEqual({
      'arena-hard-v2.0/o3-mini': 10,
      'crosswoz/val': 10,
      'taskmaster-4/data_00': 10,
    });
    expect(end).toBe(stream.bytesRead);
    expect(text).toMatch(/\u2028/);
    expect(text).toMatch(/[\u{1d400}-\u{1d7ff}]/u);
  });
});
