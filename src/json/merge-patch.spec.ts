import { describe, expect, it } from 'vitest';
import { jsonOf, parseExactly } from './exact-json.js';
import { mergePatch } from './merge-patch.js';

function mergedText(target: string, patch: string): string {
  return jsonOf(mergePatch(parseExactly(target), parseExactly(patch)));
}

describe('mergePatch', () => {
  // The test cases of RFC 7396, appendix A.
  it.each([
    ['{"a":"b"}', '{"a":"c"}', '{"a":"c"}'],
    ['{"a":"b"}', '{"b":"c"}', '{"a":"b","b":"c"}'],
    ['{"a":"b"}', '{"a":null}', '{}'],
    ['{"a":"b","b":"c"}', '{"a":null}', '{"b":"c"}'],
    ['{"a":["b"]}', '{"a":"c"}', '{"a":"c"}'],
    ['{"a":"c"}', '{"a":["b"]}', '{"a":["b"]}'],
    ['{"a":{"b":"c"}}', '{"a":{"b":"d","c":null}}', '{"a":{"b":"d"}}'],
    ['{"a":[{"b":"c"}]}', '{"a":[1]}', '{"a":[1]}'],
    ['["a","b"]', '["c","d"]', '["c","d"]'],
    ['{"a":"b"}', '["c"]', '["c"]'],
    ['{"a":"foo"}', 'null', 'null'],
    ['{"a":"foo"}', '"bar"', '"bar"'],
    ['{"e":null}', '{"a":1}', '{"e":null,"a":1}'],
    ['[1,2]', '{"a":"b","c":null}', '{"a":"b"}'],
    ['{}', '{"a":{"bb":{"ccc":null}}}', '{"a":{"bb":{}}}'],
  ])('%s and %s make %s', (target, patch, result) => {
    expect(mergedText(target, patch)).toBe(result);
  });

  it.each([
    [
      'numbers',
      '{"a":1.0,"b":{"c":12345678901234567890}}',
      '{"b":{"d":-0},"e":1e3}',
      '{"a":1.0,"b":{"c":12345678901234567890,"d":-0},"e":1e3}',
    ],
    [
      'the order of keys',
      '{"b":1,"7":2,"a":3}',
      '{"a":4,"1":5}',
      '{"b":1,"7":2,"a":4,"1":5}',
    ],
    [
      'null within an array',
      '{}',
      '{"a":[null,{"b":null}]}',
      '{"a":[null,{"b":null}]}',
    ],
    [
      'names of properties',
      '{"a":{"__proto__":{"x":1},"constructor":1}}',
      '{"a":{"__proto__":{"y":2},"toString":3}}',
      '{"a":{"__proto__":{"x":1,"y":2},"constructor":1,"toString":3}}',
    ],
    ['keys that need escapes', '{"\\"":1}', '{"\\n":2}', '{"\\"":1,"\\n":2}'],
  ])('keeps %s', (_, target, patch, result) => {
    expect(mergedText(target, patch)).toBe(result);
    expect({}).not.toHaveProperty('y');
  });

  it('removes a member called __proto__', () => {
    expect(mergedText('{"__proto__":1,"a":2}', '{"__proto__":null}')).toBe(
      '{"a":2}',
    );
  });
});
