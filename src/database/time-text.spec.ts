import { describe, expect, it } from 'vitest';
import { timeText } from './time-text.js';

describe('timeText', () => {
  it.each([
    ['2026-11-23T01:02:03.456Z', '2026-11-23 01:02:03.456'],
    ['1969-12-31T23:59:59.999Z', '1969-12-31 23:59:59.999'],
    ['0001-01-01T00:00:00.001Z', '0001-01-01 00:00:00.001'],
    ['9999-12-31T23:59:59.999Z', '9999-12-31 23:59:59.999'],
  ])('writes %s as the stores read it', (iso, text) => {
    expect(timeText(new Date(iso))).toBe(text);
  });

  it('throws for an invalid time', () => {
    expect(() => timeText(new Date(NaN))).toThrow(RangeError);
  });
});
