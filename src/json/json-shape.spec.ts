import { describe, expect, it } from 'vitest';
import { type JsonShape, shapeOf } from './json-shape.js';

/** The shape of a parsed value. */
function shapeOfValue(value: unknown): JsonShape {
  if (typeof value !== 'object' || value === null) {
    return { depth: 0, values: 1 };
  }
  const inner = Object.values(value).map(shapeOfValue);
  return {
    depth: 1 + Math.max(0, ...inner.map(({ depth }) => depth)),
    values: inner.reduce((sum, { values }) => sum + values, 1),
  };
}

describe('shapeOf', () => {
  it.each([
    'null',
    '"[{,"',
    '[]',
    '{}',
    ' [ ] ',
    '[\n1 ]',
    '[[]]',
    '[[],{}]',
    '{"a":{},"b":[1,2,{"c":null}]}',
    '["a,b", "\\"],[", "\\\\"]',
    '{"{,[":"}"}',
    `${'['.repeat(100)}${']'.repeat(100)}`,
    `[${'0,'.repeat(10_000)}0]`,
  ])('counts what a parser finds in %s', (text) => {
    expect(shapeOf(text)).toEqual(shapeOfValue(JSON.parse(text)));
  });
});
