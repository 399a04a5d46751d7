import { PAGE } from '../limits.js';
import type { PathPage } from '../tree/path.js';
import type { SeqRange } from '../tree/tree.js';

/** The size of a message. */
interface Size {
  seq: number;
  bytes: number;
}

/**
 * The part of a page around its anchor that fits into the bytes of a page: the
 * nearest messages first, and of two the older. The anchor itself always fits.
 * Undefined if it has no size.
 */
export function fitPage(
  page: PathPage,
  sizes: readonly Size[],
): { page: PathPage; bytes: number } | undefined {
  const ordered = sizes.toSorted((a, b) => a.seq - b.seq);
  const anchor = ordered.findIndex(({ seq }) => seq === page.anchor);
  if (anchor === -1) return undefined;
  const { first, last, bytes } = fit(ordered, anchor);
  const from = ordered[first]!.seq;
  const to = ordered[last]!.seq;
  const part = {
    ...page,
    ranges: page.ranges.flatMap((range) => clipped(range, from, to)),
    hasBefore: page.hasBefore || first > 0,
    hasAfter: page.hasAfter || last < ordered.length - 1,
  };
  return { page: part, bytes };
}

/** The newest page of a new session, out of all of its messages, which are ordered by seq. */
export function newestOf<Message extends Size>(messages: Message[]): Message[] {
  const newest = messages.slice(-PAGE.sessionMessages.default);
  return newest.slice(fit(newest, newest.length - 1).first);
}

/** Indexes of the first and the last message that fit, and their bytes. */
function fit(sizes: readonly Size[], anchor: number) {
  const outwards = [...sizes.keys()].sort(
    (a, b) => Math.abs(a - anchor) - Math.abs(b - anchor),
  );
  let first = anchor;
  let last = anchor;
  let bytes = 0;
  for (const index of outwards) {
    const more = bytes + sizes[index]!.bytes;
    if (more > PAGE.bytes && index !== anchor) break;
    bytes = more;
    first = Math.min(first, index);
    last = Math.max(last, index);
  }
  return { first, last, bytes };
}

function clipped(range: SeqRange, from: number, to: number): SeqRange[] {
  const part = {
    from: Math.max(range.from, from),
    to: Math.min(range.to, to),
  };
  return part.from <= part.to ? [part] : [];
}
