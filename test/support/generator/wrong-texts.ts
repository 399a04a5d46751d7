import * as fc from 'fast-check';
import { texts } from './json-arbitrary.js';
import type { Schema } from './openapi-operations.js';

/** Less than the limit of a body, which would be another mistake. */
const MOST_BYTES = 2 ** 21 + 2 ** 20;

/** A kind of mistake, and values with it. */
export type Wrong = [kind: string, values: fc.Arbitrary<unknown>];

/** Text that breaks a schema's rules on text, for parameters and for JSON. */
export function wrongTexts(
  schema: Schema,
  right: fc.Arbitrary<unknown>,
): Wrong[] {
  const { format, pattern, minLength, maxLength } = schema;
  const wrong: Wrong[] = [];
  if (schema.enum) {
    wrong.push([
      'not in the enum',
      fc
        .oneof(
          texts(),
          fc.constantFrom(...schema.enum).map((one) => ` ${String(one)}`),
          fc
            .constantFrom(...schema.enum)
            .map((one) => String(one).toUpperCase()),
        )
        .filter((text) => !schema.enum!.includes(text)),
    ]);
  }
  if (format === 'uuid') wrong.push(['not a UUID', brokenUuids]);
  if (pattern) {
    const rule = new RegExp(pattern, 'u');
    wrong.push([
      'pattern',
      fc
        .oneof(
          texts(),
          // Valid text with more characters behind it.
          fc.tuple(right, texts(1, 3)).map((both) => both.join('')),
          fc.constant('x'.repeat(10_000)),
        )
        .filter((text) => !rule.test(text)),
    ]);
  }
  if (minLength) {
    wrong.push(['too short', texts(minLength - 1, minLength - 1)]);
  }
  if (maxLength !== undefined) {
    wrong.push([
      'too long',
      fc
        .tuple(
          fc.constantFrom('x', 'ä', '\u{1f600}'),
          fc.constantFrom(maxLength + 1, maxLength + 2, 3 * maxLength),
        )
        .filter(([char, times]) => Buffer.byteLength(char) * times < MOST_BYTES)
        .map(([char, times]) => char.repeat(times)),
    ]);
  }
  return wrong;
}

const brokenUuids = fc
  .tuple(
    fc.uuid(),
    fc.constantFrom(
      (id: string) => id.slice(1),
      (id: string) => `${id}0`,
      (id: string) => id.replaceAll('-', ''),
      (id: string) => id.replace('-', '0'),
      (id: string) => `g${id.slice(1)}`,
      (id: string) => `{${id}}`,
      (id: string) => `urn:uuid:${id}`,
      (id: string) => ` ${id}`,
      (id: string) => `${id}\n`,
      () => '\uff10'.repeat(36),
      () => 'x'.repeat(5000),
      () => 'null',
    ),
  )
  .map(([id, broken]) => broken(id));

/** Text that JSON can hold and the stores cannot. */
export function unstorable(): Wrong[] {
  const around = (bad: fc.Arbitrary<string>) =>
    fc.tuple(texts(0, 5), bad, texts(0, 5)).map((all) => all.join('-'));
  return [
    ['NUL', around(fc.constant('\0'))],
    [
      'half a surrogate pair',
      around(fc.constantFrom('\ud83d', '\ude00', '\ude00\ud83d')),
    ],
  ];
}
