import * as fc from 'fast-check';

export type JsonObject = Record<string, unknown>;

/** Characters that software often truncates, folds, trims, escapes or decodes wrongly. */
const AWKWARD = Array.from(
  '\u{1f468}\u200d\u{10ffff}\ufffd\ufeff\u0301\u2028\u0085\u00a0\u0130ß\t\n\r\x7f %/\\"\'`?#+&;:',
);

/** Any character but NUL and lone surrogates, which the service refuses. */
const character = fc.oneof(
  { weight: 4, arbitrary: fc.string({ unit: 'grapheme-ascii', ...one() }) },
  {
    weight: 2,
    arbitrary: fc
      .string({ unit: 'binary', ...one() })
      .filter((char) => char !== '\0'),
  },
  {
    weight: 2,
    arbitrary: fc.constantFrom(...AWKWARD),
  },
);

function one() {
  return { minLength: 1, maxLength: 1 };
}

/** Text with this number of code points: mostly short, sometimes the maximum. */
export function texts(minLength = 0, maxLength = 2000): fc.Arbitrary<string> {
  return fc.oneof(
    {
      weight: 20,
      arbitrary: fc.string({
        unit: character,
        minLength,
        maxLength: Math.max(minLength, Math.min(30, maxLength)),
      }),
    },
    {
      weight: 1,
      arbitrary: character.map((char) => char.repeat(maxLength)),
    },
  );
}

/** Text that a header of Node.js can hold. */
export function headerTexts(
  minLength = 0,
  maxLength = 60,
): fc.Arbitrary<string> {
  return fc
    .string({
      unit: fc
        .integer({ min: 0x20, max: 0xff })
        .filter((code) => code < 0x7f || code > 0x9f)
        .map((code) => String.fromCharCode(code)),
      minLength,
      maxLength,
    })
    .filter((text) => !/^[ \t]|[ \t]$/.test(text));
}

/** JSON values that every store keeps unchanged. */
export const jsonValues: fc.Arbitrary<unknown> = fc
  .jsonValue({ maxDepth: 3, stringUnit: 'binary' })
  .filter(isTakeable);

/** JSON objects with any fields, such as metadata. */
export const openObjects: fc.Arbitrary<JsonObject> = fc
  .dictionary(texts(0, 30), jsonValues, { maxKeys: 4, noNullPrototype: true })
  .filter(isTakeable);

/** JSON values with any key, NUL and lone surrogates. */
export const wildJson: fc.Arbitrary<unknown> = fc.oneof(
  fc.jsonValue({ stringUnit: 'binary' }),
  fc.object({
    key: fc.oneof(
      fc.string(),
      fc.constantFrom('__proto__', 'constructor', 'prototype', 'toJSON'),
    ),
    values: [
      fc.string({
        unit: fc
          .integer({ min: 0, max: 0xffff })
          .map((code) => String.fromCharCode(code)),
      }),
      fc.double(),
      fc.integer(),
      fc.boolean(),
      fc.constant(null),
    ],
  }),
);

function isTakeable(value: unknown): boolean {
  if (typeof value === 'string') {
    return value.isWellFormed() && !value.includes('\0');
  }
  if (typeof value !== 'object' || value === null) return true;
  if (Array.isArray(value)) return value.every(isTakeable);
  // Reserved are `__proto__`, and a `constructor` with a `prototype`. `constructor` is rare enough to leave it out always.
  return Object.entries(value).every(
    ([key, field]) =>
      key !== '__proto__' &&
      !(key === 'constructor' && typeof field === 'object') &&
      isTakeable(key) &&
      isTakeable(field),
  );
}
