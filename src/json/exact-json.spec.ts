import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  canonicalJsonOf,
  exactArray,
  exactItems,
  exactly,
  exactlyWith,
  hasText,
  jsonOf,
  parseExactly,
  rememberBody,
  rememberFields,
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
  '0.0000001',
  '-0.00000012345',
];

/** Reads a field of a request's body. */
function received(text: string): object {
  const json = `{"metadata":${text}}`;
  const body = JSON.parse(json) as { metadata: object };
  rememberBody(body, json);
  rememberFields(body);
  return body.metadata;
}

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
  const escaped = '{"b":1,"\\u0031":2}';
  expect(jsonOf(received(escaped))).toBe('{"b":1,"1":2}');
});

it('writes without white space', () => {
  const text = ' { "a" :\t[ 1.0 ,\r\n"x y" , { } , [ ] , true,null ] } ';
  const value = received(text);
  // The second time, the text is known.
  for (let time = 0; time < 2; time++) {
    expect(jsonOf(value)).toBe('{"a":[1.0,"x y",{},[],true,null]}');
  }
});

it('takes the last of keys that repeat', () => {
  const text = '{"a":{"x":1e1},"b":1.0,"\\u0061":[1e2]}';
  expect(jsonOf(received(text))).toBe('{"a":[1e2],"b":1.0}');
});

describe('of a body', () => {
  function bodyOf(text: string) {
    const body = JSON.parse(text) as Record<string, object>;
    rememberBody(body, text);
    rememberFields(body);
    return body;
  }

  it('keeps the fields that are open JSON', () => {
    const body = bodyOf(
      '{"metadata":{"n":1.0},"messages":[{"parts":[{"n":1e3}]},{"metadata":{"n":-0}}]}',
    );
    const [first, second] = body.messages as Record<string, object>[];
    expect(jsonOf(body.metadata)).toBe('{"n":1.0}');
    expect(jsonOf(first!.parts)).toBe('[{"n":1e3}]');
    expect(jsonOf(second!.metadata)).toBe('{"n":-0}');
  });

  it.each([
    '{"metadata":{"evil":1.0},"metadata":{"ok":1}}',
    '{"messages":[{"metadata":{"evil":1.0},"metadata":{"ok":1}}]}',
    '{"metadata":5,"config":{"a":1.0},"metadata":{"ok":1}}',
  ])('keeps nothing if a key repeats: %s', (text) => {
    const body = bodyOf(text);
    expect(hasText(body)).toBe(false);
    const [message = body] = (body.messages ?? []) as (typeof body)[];
    expect(jsonOf(message.metadata)).toBe('{"ok":1}');
  });

  it('keeps a field with many lists', () => {
    const text = `{"parts":[{"n":1.0,"lists":[${Array(150_000).fill('[]').join()}]}]}`;
    const body = bodyOf(text);
    expect(`{"parts":${jsonOf(body.parts)}}`).toBe(text);
  });

  it('is no more than a list of items', () => {
    const text = `{"n":1.0,"messages":[${Array(300_000).fill('{}').join()}]}`;
    expect(() => bodyOf(text)).not.toThrow();
  });
});

it('returns a value that was changed as it is now', () => {
  const value = parseExactly('{"temperature":1.0,"a":[1e2]}') as Record<
    string,
    unknown
  >;
  value.temperature = 0.2;
  expect(jsonOf(value)).toBe('{"temperature":0.2,"a":[100]}');
  expect(exactly(value)).toBe(value);
});

it('compares JSON by its meaning, and numbers by how they are written', () => {
  const canonical = (text: string) => canonicalJsonOf(received(text));
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

describe('made of values that were sent', () => {
  const sent = received('[{"n":1.0},{"n":[-0]}]') as object[];

  it('an array has the texts of its items', () => {
    const [first, second] = exactItems(sent);
    const added = { type: 'x' };
    const array = exactArray([second, added, first]);
    expect(jsonOf(array)).toBe('[{"n":[-0]},{"type":"x"},{"n":1.0}]');
    expect(hasText(exactArray([added]))).toBe(false);
  });

  it('an object has the texts of its fields', () => {
    const [first] = exactItems(sent);
    const answer = received('{"7":1e3}');
    expect(jsonOf(exactlyWith(first!, { answer }))).toBe(
      '{"n":1.0,"answer":{"7":1e3}}',
    );
    expect(jsonOf(exactlyWith({ id: 'i' }, { answer }))).toBe(
      '{"id":"i","answer":{"7":1e3}}',
    );
    expect(hasText(exactlyWith({ id: 'i' }, { answer: {} }))).toBe(false);
  });
});
