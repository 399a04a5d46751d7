import { PAGE } from '../limits.js';
import type { ChatSession } from './entities/chat-session.entity.js';

/** A request for a page of messages, with at most one cursor. Cursors are seqs. */
export interface MessagePageQuery {
  limit: number;
  /** Messages before this one. */
  before?: number;
  /** Messages after this one. */
  after?: number;
  /** This message and its neighbours on both sides. */
  around?: number;
}

/** Seqs from `from` to `to`, both included; empty if `from > to`. */
export interface MessageRange {
  from: number;
  to: number;
  /** The seq at which a page that is too large is kept; it shrinks towards it. */
  anchor: number;
}

export function firstSeqOf({
  lastSeq,
  messageCount,
}: Pick<ChatSession, 'lastSeq' | 'messageCount'>): number {
  return lastSeq - messageCount + 1;
}

/**
 * The seqs of a page. The seqs of a session have no gaps, so a page is one range
 * of the primary key that is known before a message is read.
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

/** The part of a range around its anchor that fits into the bytes of a page. */
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

/** The newest page of a session, out of all of its messages, which are ordered by seq. */
export function newestOf<Message extends { seq: number; bytes: number }>(
  session: ChatSession,
  messages: Message[],
): Message[] {
  const limit = PAGE.sessionMessages.default;
  const { from } = fitRange(rangeOf(session, { limit }), messages);
  return messages.filter(({ seq }) => seq >= from);
}
