import * as fc from 'fast-check';
import { headerTexts, texts } from './json-arbitrary.js';
import { type Operation, parametersIn } from './openapi-operations.js';
import type { RequestParts } from './request-parts.js';
import { having, instead, type MoreMistakes } from './schema-mistakes.js';
import { bytesOfJson, CURSORS, MOST_BYTES } from './unsaid-rules.js';

/** Mistakes against rules that the schemas cannot say, in bodies and parameters. The README says when to add one. */
export const moreMistakes: MoreMistakes = {
  title: [wrong('blank', fc.constantFrom('', ' ', '\t\r\n', '\u3000\u00a0'))],
  document_id: wrongOpaqueIds(),
  section_id: wrongOpaqueIds(),
  content: [
    wrong(
      'too many bytes',
      fc.constantFrom(
        'x'.repeat(MOST_BYTES.content + 1),
        'ä'.repeat(MOST_BYTES.content / 2 + 1),
      ),
    ),
  ],
  config: [wrong('too many bytes', bytesOfJson(MOST_BYTES.config + 1))],
  metadata: [wrong('too many bytes', bytesOfJson(MOST_BYTES.metadata + 1))],
  cursor: [
    wrong(
      'malformed cursor',
      fc.oneof(
        texts(0, 30),
        fc.base64String(),
        fc
          .tuple(
            fc.constantFrom('01', '-1', '1e3', '', '1.5', '253402300800000'),
            fc.uuid(),
          )
          .map((both) => Buffer.from(both.join('.')).toString('base64url')),
      ),
    ),
  ],
  'Idempotency-Key': [
    wrong(
      'not printable ASCII',
      fc
        .tuple(fc.uuid(), fc.constantFrom('\x80', '\xa0', 'ä', '\t'))
        .map(([id, char]) => `${id}${char}-`),
    ),
  ],
  'If-Match': [
    wrong(
      'malformed If-Match',
      fc.oneof(
        fc.constantFrom(
          '',
          '"',
          '"a',
          '"a" "b"',
          '"a",',
          ',"a"',
          '*, "a"',
          'w/"a"',
          "'a'",
          '"a b"',
        ),
        headerTexts().filter((text) => text !== '*' && !text.includes('"')),
      ),
    ),
  ],
  NewChatMessage: [nothingSaid()],
  ChatMessageToAppend: [nothingSaid()],
  NewChatMessages: [repeatedId()],
  NewChatSession: [
    repeatedId(),
    {
      kind: 'section without document',
      changes: fc.constantFrom(
        having({ section_id: 'sec-7', document_id: undefined }),
        having({ section_id: 'sec-7', document_id: null }),
      ),
    },
  ],
};

/** Queries that break a rule between two parameters. */
export function wrongQueries(operation: Operation) {
  const names = parametersIn(operation, 'query').map(({ name }) => name);
  const cursors = CURSORS.filter((cursor) => names.includes(cursor));
  const wrong: [kind: string, queries: fc.Arbitrary<RequestParts['query']>][] =
    [];
  if (cursors.length > 1) {
    wrong.push([
      'several cursors',
      fc
        .subarray(cursors, { minLength: 2 })
        .map((some) => Object.fromEntries(some.map((name) => [name, '2']))),
    ]);
  }
  if (names.includes('section_id') && names.includes('document_id')) {
    wrong.push([
      'section without document',
      fc.constant({ section_id: 'sec-7' }),
    ]);
  }
  return wrong;
}

function wrongOpaqueIds() {
  return [
    wrong(
      'control character',
      fc
        .constantFrom('\n', '\x1f', '\x7f', '\x85', '\u2028', '\u2029')
        .map((char) => `a${char}b`),
    ),
    wrong(
      'white space at an end',
      fc.constantFrom(' a', 'a ', '\u00a0a', 'a\u3000', '\ufeffa', ' '),
    ),
  ];
}

function wrong(kind: string, values: fc.Arbitrary<unknown>) {
  return { kind, changes: instead(values) };
}

function nothingSaid() {
  return {
    kind: 'nothing said',
    isLate: true,
    changes: fc.constantFrom(
      having({ content: ' \n', parts: null }),
      having({ content: undefined, parts: undefined }),
      having({ content: null, parts: null }),
      having({ content: '', parts: undefined }),
    ),
  };
}

function repeatedId() {
  const twice = ['user', 'tool'].map((role) => ({
    id: 'twice',
    role,
    content: 'x',
  }));
  return {
    kind: 'repeated id',
    changes: fc.constant(having({ messages: twice })),
  };
}
