import { describe, expect, it, vi } from 'vitest';
import { startOf } from './text.js';

const FAMILY = '👨‍👩‍👧‍👦';
const FLAG = '🇦🇹';
const RAINBOW = '🏳️‍🌈';
const WAVE = '👋🏽';
const E_ACUTE = 'e\u0301';
const ZALGO = `z${'\u0301'.repeat(20)}`;
const HANGUL = '\u1112\u1161\u11ab';
const DEVANAGARI = 'नि';

const GRAPHEMES = [
  'x',
  ' ',
  '\r\n',
  '語',
  '😀',
  FAMILY,
  FLAG,
  RAINBOW,
  WAVE,
  E_ACUTE,
  ZALGO,
  HANGUL,
  DEVANAGARI,
];

function codePointsIn(text: string): number {
  return Array.from(text).length;
}

const SEGMENTER = new Intl.Segmenter();

/** Whole graphemes, one after the other, as long as they fit: what `startOf` does without looking at the whole text. */
function naiveStartOf(text: string, max: number): string {
  let start = '';
  for (const { segment } of SEGMENTER.segment(text)) {
    if (codePointsIn(start + segment) > max) return start;
    start += segment;
  }
  return start;
}

describe('startOf', () => {
  it.each([
    ['', 80, ''],
    ['abc', 0, ''],
    ['abc', 2, 'ab'],
    ['abc', 3, 'abc'],
    ['abc', 4, 'abc'],
    ['語'.repeat(81), 80, '語'.repeat(80)],
  ])('cuts %j to %i characters: %j', (text, max, start) => {
    expect(startOf(text, max)).toBe(start);
  });

  it.each([
    ['a pair of surrogates', '😀', 1],
    ['a family', FAMILY, 7],
    ['a flag', FLAG, 2],
    ['a flag of several emoji', RAINBOW, 4],
    ['a skin tone', WAVE, 2],
    ['a combining mark', E_ACUTE, 2],
    ['a pile of combining marks', ZALGO, 21],
    ['CRLF', '\r\n', 2],
    ['a Hangul syllable', HANGUL, 3],
    ['a Devanagari syllable', DEVANAGARI, 2],
  ])('takes %s whole or not at all', (_, grapheme, length) => {
    expect(codePointsIn(grapheme)).toBe(length);
    expect(startOf(`ab${grapheme}c`, 2 + length)).toBe(`ab${grapheme}`);
    for (let max = 2; max < 2 + length; max++) {
      expect(startOf(`ab${grapheme}c`, max)).toBe('ab');
    }
  });

  it('does not join what stands side by side', () => {
    expect(startOf(FLAG.repeat(5), 5)).toBe(FLAG.repeat(2));
    expect(startOf(FAMILY.repeat(3), 20)).toBe(FAMILY.repeat(2));
  });

  it('is empty where the first grapheme is too long', () => {
    expect(startOf(`e${'\u0301'.repeat(80)}`, 80)).toBe('');
    expect(startOf(`e${'\u0301'.repeat(1_000_000)}x`, 80)).toBe('');
    expect(startOf(`e${'\u0301'.repeat(79)}x`, 80)).toBe(
      `e${'\u0301'.repeat(79)}`,
    );
  });

  it('is what a walk over the whole text finds', () => {
    for (const a of GRAPHEMES) {
      for (const b of GRAPHEMES) {
        for (const c of GRAPHEMES) {
          const text = `${a}${b}${c}`.repeat(3);
          for (const max of [1, 2, 3, 4, 5, 8, 13, 21, 34, 80]) {
            expect(startOf(text, max)).toBe(naiveStartOf(text, max));
          }
        }
      }
    }
  });

  it('knows which characters join others', () => {
    for (let code = 0; code < 0x1_0000; code++) {
      const character = String.fromCharCode(code);
      const text = `x${character}${character}x`;
      for (const max of [1, 2, 3]) {
        if (startOf(text, max) !== naiveStartOf(text, max)) {
          expect.fail(`${code.toString(16)}, ${max}`);
        }
      }
    }
  });

  it('does not segment the whole of a long text', () => {
    const segment = vi.spyOn(Intl.Segmenter.prototype, 'segment');
    startOf(FAMILY.repeat(1_000_000), 160);
    const lengths = segment.mock.calls.map(([text]) => text.length);
    segment.mockRestore();
    expect(lengths).toEqual([322]);
  });
});
