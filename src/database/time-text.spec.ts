import { describe, expect, it } from 'vitest';
import { isoText, timeText } from './time-text.js';

const TIMES = [
  '1969-12-31T23:59:59.999Z',
  '1970-01-01T00:00:00.000Z',
  '2026-11-23T01:02:03.456Z',
  '2026-11-23T01:02:59.999Z',
  '2026-11-23T01:03:00.000Z',
  '2026-11-23T01:02:00.007Z',
  '0001-01-01T00:00:00.001Z',
  '9999-12-31T23:59:59.999Z',
];

describe('isoText', () => {
  it.each(TIMES)('is what toISOString gives: %s', (text) => {
    expect(isoText(new Date(text))).toBe(text);
    expect(isoText(new Date(Date.parse(text) + 1))).toBe(
      new Date(Date.parse(text) + 1).toISOString(),
    );
  });

  it('throws of an invalid time, as toISOString does', () => {
    expect(() => isoText(new Date(NaN))).toThrow(RangeError);
  });
});

describe('timeText', () => {
  it('is what the stores read', () => {
    expect(timeText(new Date('2026-11-23T01:02:03.456Z'))).toBe(
      '2026-11-23 01:02:03.456',
    );
  });
});
