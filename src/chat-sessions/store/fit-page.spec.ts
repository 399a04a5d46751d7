import { describe, expect, it } from 'vitest';
import { PAGE } from '../limits.js';
import { fitPage, newestOf } from './fit-page.js';

/** Messages of a path with a gap. */
const SEQS = [3, 4, 7, 8, 9];
const RANGES = [
  { from: 3, to: 4 },
  { from: 7, to: 9 },
];

function seqsOf(ranges: { from: number; to: number }[]): number[] {
  return ranges.flatMap(({ from, to }) =>
    Array.from({ length: to - from + 1 }, (_, index) => from + index),
  );
}

/** Grows a page from its anchor, the nearest first and of two the older, until one does not fit. */
function naiveFit(anchor: number, bytesOf: (seq: number) => number) {
  const page = [anchor];
  const at = SEQS.indexOf(anchor);
  let total = bytesOf(anchor);
  for (let distance = 1; distance < SEQS.length; distance++) {
    for (const seq of [SEQS[at - distance], SEQS[at + distance]]) {
      if (seq === undefined) continue;
      total += bytesOf(seq);
      if (total > PAGE.bytes) return page.sort((a, b) => a - b);
      page.push(seq);
    }
  }
  return page.sort((a, b) => a - b);
}

describe('fitPage', () => {
  const SIZES = [0, PAGE.bytes / 4, PAGE.bytes / 2, PAGE.bytes + 1];

  it('is the part of a page that fits, grown from its anchor', () => {
    for (let mix = 0; mix < SIZES.length ** 5; mix++) {
      const bytesOf = (seq: number) =>
        SIZES[
          Math.floor(mix / SIZES.length ** SEQS.indexOf(seq)) % SIZES.length
        ]!;
      const sizes = SEQS.map((seq) => ({ seq, bytes: bytesOf(seq) }));
      for (const anchor of SEQS) {
        const expected = naiveFit(anchor, bytesOf);
        const whole = {
          ranges: RANGES,
          anchor,
          hasBefore: false,
          hasAfter: false,
        };
        const { page, bytes } = fitPage(whole, sizes)!;
        expect({ ...page, ranges: seqsOf(page.ranges), bytes }).toEqual({
          anchor,
          ranges: expected,
          hasBefore: expected[0] !== 3,
          hasAfter: expected.at(-1) !== 9,
          bytes: expected.reduce((sum, seq) => sum + bytesOf(seq), 0),
        });
      }
    }
  });

  it('takes a page of exactly 4 MiB, and not a byte more', () => {
    const page = {
      ranges: [{ from: 1, to: 2 }],
      anchor: 2,
      hasBefore: false,
      hasAfter: false,
    };
    const sizes = [
      { seq: 1, bytes: PAGE.bytes - 100 },
      { seq: 2, bytes: 100 },
    ];
    expect(fitPage(page, sizes)!.page).toEqual(page);
    sizes[1]!.bytes = 101;
    expect(fitPage(page, sizes)!.page).toEqual({
      ...page,
      ranges: [{ from: 2, to: 2 }],
      hasBefore: true,
    });
  });

  it('takes sizes in any order, and keeps what the page says of others', () => {
    const page = {
      ranges: [{ from: 1, to: 3 }],
      anchor: 1,
      hasBefore: true,
      hasAfter: true,
    };
    const bytes = PAGE.bytes / 2;
    const sizes = [3, 1, 2].map((seq) => ({ seq, bytes }));
    expect(fitPage(page, sizes)!.page).toEqual({
      ...page,
      ranges: [{ from: 1, to: 2 }],
    });
  });

  it('is undefined if the anchor is gone', () => {
    const page = {
      ranges: [{ from: 1, to: 2 }],
      anchor: 2,
      hasBefore: false,
      hasAfter: false,
    };
    expect(fitPage(page, [{ seq: 1, bytes: 1 }])).toBeUndefined();
  });
});

describe('newestOf', () => {
  it('is the newest 50 messages, and fewer if they are large', () => {
    const messagesOf = (bytes: number) =>
      Array.from({ length: 60 }, (_, index) => ({ seq: index + 1, bytes }));
    const newest = newestOf(messagesOf(1));
    expect(newest).toEqual(messagesOf(1).slice(10));
    const large = messagesOf(PAGE.bytes / 4);
    expect(newestOf(large)).toEqual(large.slice(56));
    expect(newestOf([])).toEqual([]);
  });
});
