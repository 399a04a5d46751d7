import {
  existing,
  lastAtMost,
  lengthOf,
  type SeqRange,
  stretchesOf,
  type Tree,
} from './tree.js';

/** The messages from a root to a leaf. */
export interface Path {
  /** Their seqs, ascending. */
  readonly ranges: readonly SeqRange[];
  /** The position of each range's first message: 0 for the root. */
  readonly positions: readonly number[];
  readonly length: number;
}

/** A request for a page of a path, with at most one cursor. Cursors are seqs, which need not be on the path. */
export interface PathPageQuery {
  limit: number;
  /** Messages before this one. */
  before?: number;
  /** Messages after this one. */
  after?: number;
  /** This message, or else the last one before it, and its neighbours on both sides. */
  around?: number;
}

/** A page of a path. */
export interface PathPage {
  /** Its seqs, ascending: at most as many ranges as the page has messages. */
  ranges: SeqRange[];
  /** The seq at which a page that is too large is kept; it shrinks towards it. 0 if the page is empty. */
  anchor: number;
  /** Whether the path has messages before these. */
  hasBefore: boolean;
  /** Whether the path has messages after these. */
  hasAfter: boolean;
}

/** Paths to the leaves of sessions: they are read more often than they change. */
const paths = new WeakMap<Tree, Path>();

/**
 * The path to a message: by default to the leaf, which is remembered with the
 * tree. Takes one search for each stretch on it. Throws a RangeError if there is
 * no such message; the path to 0 is empty.
 */
export function pathOf(tree: Tree, leaf = tree.leafSeq): Path {
  if (leaf !== tree.leafSeq) return findPath(tree, leaf);
  let path = paths.get(tree);
  if (!path) {
    path = findPath(tree, leaf);
    paths.set(tree, path);
  }
  return path;
}

function findPath(tree: Tree, leaf: number): Path {
  const stretches = stretchesOf(tree);
  const ranges: SeqRange[] = [];
  let index = stretches.length;
  for (let to = leaf; to > 0; to = stretches[index]!.parent) {
    index = existing(stretches, to, index);
    ranges.push({ from: stretches[index]!.from, to });
  }
  return positioned(ranges.reverse());
}

/** All messages in order of arrival, in the form of a path, for their pages. */
export function arrivalsOf(tree: Tree): Path {
  return positioned(stretchesOf(tree));
}

function positioned(ranges: readonly SeqRange[]): Path {
  let length = 0;
  const positions = ranges.map((range) => {
    const position = length;
    length += lengthOf(range);
    return position;
  });
  return { ranges, positions, length };
}

/** A page of a path. Its cost does not depend on the number of ranges of the path, but for two binary searches. */
export function pageOf(
  path: Path,
  { limit, before, after, around }: PathPageQuery,
): PathPage {
  // Positions of the first and the last message of the page.
  let first: number;
  let last: number;
  if (after !== undefined) {
    first = countUpTo(path, after);
    last = Math.min(first + limit, path.length) - 1;
  } else if (around !== undefined) {
    const end = countUpTo(path, around) + Math.floor(limit / 2);
    last = Math.min(end, path.length) - 1;
    first = Math.max(last - limit + 1, 0);
    last = Math.min(first + limit, path.length) - 1;
  } else {
    const end =
      before === undefined ? path.length : countUpTo(path, before - 1);
    last = end - 1;
    first = Math.max(end - limit, 0);
  }
  const ranges = rangesAt(path, first, last);
  return {
    ranges,
    anchor: anchorOf(ranges, { after, around }),
    hasBefore: first > 0,
    hasAfter: last < path.length - 1,
  };
}

/** Whether a message is on a path. */
export function isOn({ ranges }: Path, seq: number): boolean {
  const index = lastAtMost(seq, ranges.length, (at) => ranges[at]!.from);
  return index !== -1 && seq <= ranges[index]!.to;
}

/** How many messages of the path have a seq of at most this. */
function countUpTo({ ranges, positions }: Path, seq: number): number {
  const index = lastAtMost(seq, ranges.length, (at) => ranges[at]!.from);
  if (index === -1) return 0;
  const { from, to } = ranges[index]!;
  return positions[index]! + Math.min(seq, to) - from + 1;
}

/** The ranges of the messages from one position to another. */
function rangesAt(path: Path, first: number, last: number): SeqRange[] {
  const found: SeqRange[] = [];
  if (first > last) return found;
  const { ranges, positions } = path;
  const start = lastAtMost(first, positions.length, (at) => positions[at]!);
  for (let at = start; at < ranges.length && positions[at]! <= last; at++) {
    const { from, to } = ranges[at]!;
    const position = positions[at]!;
    found.push({
      from: from + Math.max(first - position, 0),
      to: Math.min(to, from + last - position),
    });
  }
  return found;
}

/** The seq that a page is about: the oldest after a cursor, the nearest around one, otherwise the newest. */
function anchorOf(
  ranges: readonly SeqRange[],
  { after, around = Infinity }: Pick<PathPageQuery, 'after' | 'around'>,
): number {
  const oldest = ranges[0]?.from ?? 0;
  if (after !== undefined) return oldest;
  const range = ranges.findLast(({ from }) => from <= around);
  return range ? Math.min(range.to, around) : oldest;
}
