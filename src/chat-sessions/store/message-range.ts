import { PAGE } from '../limits.js';
import type { ChatSession } from './entities/chat-session.entity.js';

/** Where a page of messages lies; at most one of the cursors, each a seq. */
export interface MessagePageQuery {
  limit: number;
  /** Messages before this one. */
  before?: number;
  /** Messages after this one. */
  after?: number;
  /** This message and its neighbours on both sides. */
  around?: number;
}

/** Seqs from `from` to `to`, both included; empty where `from > to`. */
export interface MessageRange {
  from: number;
  to: number;
  /** The seq that the page is built from, outwards. */
  anchor: number;
}

export function firstSeqOf({ lastSeq, messageCount }: ChatSession): number {
  return lastSeq - messageCount + 1;
}

/**
 * The seqs of a page. Those of a session have no gaps, so the page is known
 * before a message is read: one range of the primary key, however long the
 * conversation.
 */
export function rangeOf(
  session: ChatSession,
  { limit, before, after, around }: MessagePageQuery,
): MessageRange {
  const first = firstSeqOf(session);
  const last = session.lastSeq;
  if (after !== undefined) {
    const from = Math.max(after + 1, first);
    return { from, to: Math.min(from + limit - 1, last), anchor: from };
  }
  if (around !== undefined) {
    const anchor = Math.min(Math.max(around, first), last);
    const to = Math.min(anchor + Math.floor(limit / 2), last);
    const from = Math.max(to - limit + 1, first);
    return { from, to: Math.min(from + limit - 1, last), anchor };
  }
  const to = Math.min((before ?? Infinity) - 1, last);
  return { from: Math.max(to - limit + 1, first), to, anchor: to };
}

export function lengthOf({ from, to }: MessageRange): number {
  return Math.max(to - from + 1, 0);
}

/** The part of a range, grown outwards from its anchor, that stays within a page's bytes. */
export function fitRange(
  { from, to, anchor }: MessageRange,
  sizes: readonly { seq: number; bytes: number }[],
): MessageRange {
  const outwards = sizes.toSorted(
    (a, b) => Math.abs(a.seq - anchor) - Math.abs(b.seq - anchor),
  );
  const fitting = { from: anchor, to: anchor, anchor };
  let total = 0;
  for (const { seq, bytes } of outwards) {
    total += bytes;
    if (total > PAGE.bytes) break;
    fitting.from = Math.max(from, Math.min(fitting.from, seq));
    fitting.to = Math.min(to, Math.max(fitting.to, seq));
  }
  return fitting;
}
