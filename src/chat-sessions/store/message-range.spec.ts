import { describe, expect, it } from 'vitest';
import { neighbours } from '../../../test/support/naive-tree.js';
import { PAGE } from '../limits.js';
import { ChatSession } from './entities/chat-session.entity.js';
import {
  firstSeqOf,
  fitRange,
  lengthOf,
  type MessageRange,
  rangeOf,
} from './message-range.js';

/** A session whose messages are the seqs from `first` to `last`; none where `first` is `last + 1`. */
function sessionOf(first: number, last: number): ChatSession {
  return Object.assign(new ChatSession(), {
    lastSeq: last,
    messageCount: last - first + 1,
  });
}

function seqsFrom(from: number, to: number): number[] {
  return Array.from({ length: Math.max(to - from + 1, 0) }, (_, i) => from + i);
}

function seqsOf({ from, to }: MessageRange): number[] {
  return seqsFrom(from, to);
}

/** Every session of at most six messages, whose first is at most the fourth, with every limit and cursor that could matter. */
function* smallCases() {
  for (let first = 1; first <= 4; first++) {
    for (let last = first - 1; last <= first + 5; last++) {
      for (let limit = 1; limit <= 8; limit++) {
        for (let cursor = 0; cursor <= last + 3; cursor++) {
          const session = sessionOf(first, last);
          yield { session, seqs: seqsFrom(first, last), limit, cursor };
        }
      }
    }
  }
}

/** The seqs around the last one that is not above `around`, or around the first. */
function naiveAround(seqs: number[], limit: number, around: number): number[] {
  const anchor = seqs.findLast((seq) => seq <= around) ?? seqs[0];
  return neighbours(seqs, limit, anchor);
}

describe('rangeOf', () => {
  it('is the newest messages without a cursor', () => {
    for (const { session, seqs, limit } of smallCases()) {
      expect(seqsOf(rangeOf(session, { limit }))).toEqual(seqs.slice(-limit));
    }
  });

  it('is the newest of the messages before a seq', () => {
    for (const { session, seqs, limit, cursor } of smallCases()) {
      const range = rangeOf(session, { limit, before: cursor });
      expect(seqsOf(range)).toEqual(
        seqs.filter((seq) => seq < cursor).slice(-limit),
      );
    }
  });

  it('is the oldest of the messages after a seq', () => {
    for (const { session, seqs, limit, cursor } of smallCases()) {
      const range = rangeOf(session, { limit, after: cursor });
      expect(seqsOf(range)).toEqual(
        seqs.filter((seq) => seq > cursor).slice(0, limit),
      );
    }
  });

  it('is a message and its neighbours on both sides around a seq', () => {
    for (const { session, seqs, limit, cursor } of smallCases()) {
      const range = rangeOf(session, { limit, around: cursor });
      expect(seqsOf(range)).toEqual(naiveAround(seqs, limit, cursor));
    }
  });

  it('tells whether there is more on either side, where there are messages at all', () => {
    for (const { session, seqs, limit, cursor } of smallCases()) {
      if (seqs.length === 0) continue;
      const before = rangeOf(session, { limit, before: cursor });
      const after = rangeOf(session, { limit, after: cursor });
      const older = seqs.filter((seq) => seq < cursor);
      const newer = seqs.filter((seq) => seq > cursor);
      const first = firstSeqOf(session);
      expect(before.from > first).toBe(older.length > limit);
      expect(before.to < session.lastSeq).toBe(older.length < seqs.length);
      expect(after.from > first).toBe(newer.length < seqs.length);
      expect(after.to < session.lastSeq).toBe(newer.length > limit);
    }
  });

  it('builds a page from a message in it', () => {
    for (const { session, limit, cursor } of smallCases()) {
      const ranges = [
        rangeOf(session, { limit }),
        rangeOf(session, { limit, before: cursor }),
        rangeOf(session, { limit, after: cursor }),
        rangeOf(session, { limit, around: cursor }),
      ].filter((range) => lengthOf(range) > 0);
      for (const range of ranges) {
        expect(seqsOf(range)).toContain(range.anchor);
      }
    }
  });
});

/** Grows a page from its anchor, the nearest first and of two the older, until one does not fit. */
function naiveFit(range: MessageRange, bytesOf: (seq: number) => number) {
  const page = [range.anchor];
  let total = bytesOf(range.anchor);
  for (let distance = 1; distance < 10; distance++) {
    for (const seq of [range.anchor - distance, range.anchor + distance]) {
      if (seq < range.from || seq > range.to) continue;
      total += bytesOf(seq);
      if (total > PAGE.bytes) return page.sort((a, b) => a - b);
      page.push(seq);
    }
  }
  return page.sort((a, b) => a - b);
}

describe('fitRange', () => {
  const SIZES = [0, PAGE.bytes / 4, PAGE.bytes / 2, PAGE.bytes + 1];

  it('is the part of a range that fits, grown from its anchor', () => {
    for (let mix = 0; mix < SIZES.length ** 5; mix++) {
      const bytesOf = (seq: number) =>
        SIZES[Math.floor(mix / SIZES.length ** (seq - 3)) % SIZES.length]!;
      for (let anchor = 3; anchor <= 7; anchor++) {
        const range = { from: 3, to: 7, anchor };
        const sizes = seqsOf(range).map((seq) => ({
          seq,
          bytes: bytesOf(seq),
        }));
        expect(seqsOf(fitRange(range, sizes))).toEqual(
          naiveFit(range, bytesOf),
        );
      }
    }
  });

  it('takes a page of exactly 4 MiB, and not a byte more', () => {
    const range = { from: 1, to: 2, anchor: 2 };
    const sizes = [
      { seq: 1, bytes: PAGE.bytes - 100 },
      { seq: 2, bytes: 100 },
    ];
    expect(seqsOf(fitRange(range, sizes))).toEqual([1, 2]);
    sizes[1]!.bytes = 101;
    expect(seqsOf(fitRange(range, sizes))).toEqual([2]);
  });

  it('takes sizes in any order', () => {
    const range = { from: 1, to: 3, anchor: 1 };
    const bytes = PAGE.bytes / 2;
    const sizes = [3, 1, 2].map((seq) => ({ seq, bytes }));
    expect(seqsOf(fitRange(range, sizes))).toEqual([1, 2]);
  });
});
