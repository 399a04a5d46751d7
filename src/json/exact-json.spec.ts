import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  canonicalJsonOf,
  exactly,
  jsonOf,
  parseExactly,
  stringifyExactly,
} from './exact-json.js';

const NUMBERS = [
  '9007199254740993',
  '-9223372036854775808',
  '18446744073709551615',
  '0.1000000000000000055511151231257827',
  '1.0',
  '-0',
  '-0.0',
  '0.10',
  '1e3',
  '1E+3',
  '1.5e-7',
  '123456789012345678901234567890',
];

describe('a number comes back as it was sent', () => {
  it.each(NUMBERS)('%s', (number) => {
    for (const text of [
      `{"a":${number}}`,
      `[${number},${number}]`,
      `{"a":[{"b":${number}}]}`,
    ]) {
      expect(jsonOf(parseExactly(text))).toBe(text);
    }
  });

  it.each(NUMBERS)('%s, in a field of a body', (number) => {
    const field = exactly(parseExactly(`{"n":[${number}]}`));
    expect(stringifyExactly({ id: 'x', metadata: field, list: [field] })).toBe(
      `{"id":"x","metadata":{"n":[${number}]},"list":[{"n":[${number}]}]}`,
    );
  });

  it.each(NUMBERS)('%s, in an item of a list', (number) => {
    const [first] = parseExactly(`[{"n":${number}}]`) as object[];
    expect(jsonOf(first)).toBe(`{"n":${number}}`);
  });
});

it('keeps keys that look like numbers in their places', () => {
  const text = '{"b":1,"10":{"2":0,"1":0},"a":2}';
  expect(jsonOf(parseExactly(text))).toBe(text);
});

it('writes without white space', () => {
  const text = ' { "a" :\t[ 1.0 ,\r\n"x y" , { } , [ ] , true,null ] } ';
  expect(jsonOf(parseExactly(text))).toBe('{"a":[1.0,"x y",{},[],true,null]}');
});

it('takes the last of keys that repeat', () => {
  const text = '{"a":{"x":1e1},"b":1.0,"\\u0061":[1e2]}';
  const value = parseExactly(text) as { a: unknown };
  expect(jsonOf(value)).toBe('{"a":[1e2],"b":1.0}');
  expect(jsonOf(value.a)).toBe('[1e2]');
});

it('compares JSON by its meaning, and numbers by how they are written', () => {
  const canonical = (text: string) => canonicalJsonOf(parseExactly(text));
  expect(canonical('{"b":[1.0],"a":{"d":1,"c":2}}')).toBe(
    canonical('{ "a" : {"c":2, "d":1}, "b":[1.0] }'),
  );
  expect(canonical('{"b":1,"a":2}')).toBe(canonical('{"a":2,"b":1}'));
  expect(canonical('{"a":9007199254740993}')).not.toBe(
    canonical('{"a":9007199254740992}'),
  );
  expect(canonical('[{"a":1},{"b":1}]')).not.toBe(
    canonical('[{"b":1},{"a":1}]'),
  );
});

it('holds for any JSON', () => {
  const json = fc.jsonValue({ stringUnit: 'binary' });
  fc.assert(
    fc.property(json, (value) => {
      // The first member makes the text unusual.
      const text = `{"z":1.50,"value":${JSON.stringify(value)}}`;
      expect(jsonOf(parseExactly(text))).toBe(text);
    }),
  );
});

it('gives another serializer the value', () => {
  const body = { metadata: exactly(parseExactly('{"n":1.0}')) };
  expect(JSON.stringify(body)).toBe('{"metadata":{"n":1}}');
});
