/** Seqs from `from` to `to`, both included. */
export interface SeqRange {
  readonly from: number;
  readonly to: number;
}

/** Messages of which each is the child of the one before; the first is the child of `parent`, or a root if that is 0. */
export interface Stretch extends SeqRange {
  readonly parent: number;
}

/**
 * The messages of a session as a tree. A message is its seq, which is the order
 * of arrival: a child's seq is above its parent's, and no seq is used twice. A
 * *root* has no parent; *siblings* have the same parent, and roots are siblings
 * of each other. The *leaf* is the message that the session shows last, and the
 * *path* leads from a root to it. Messages beside the path are other *branches*.
 *
 * A session that was never branched needs no list: all seqs from `firstSeq` to
 * `lastSeq` follow each other. Any other has its *stretches*, ordered by seq; a
 * seq that is in none of them was deleted. After 1 to 4, a second answer (5) to
 * question 3, a question on it (6), and the deletion of 2:
 *
 *     1 ── 3 ─┬─ 4          firstSeq 1, lastSeq 6, leafSeq 6
 *             └─ 5 ── 6     stretches 1..1 of 0, 3..4 of 1, 5..6 of 3
 *
 * The path to 6 is 1..1, 3..3, 5..6: to find it takes one search per stretch, and
 * a page of it is a few ranges of the primary key.
 */
export interface Tree {
  /** The lowest seq; `lastSeq + 1` without messages. All below were deleted. */
  readonly firstSeq: number;
  /** The last seq that was used, whether or not the message still exists. */
  readonly lastSeq: number;
  /** The last message of the path; 0 if the path is empty. */
  readonly leafSeq: number;
  /** Null if the session is linear and its leaf is `lastSeq`. */
  readonly stretches: readonly Stretch[] | null;
}

/** A session's stretches; one, or none, if it is linear. */
export function stretchesOf({
  firstSeq,
  lastSeq,
  stretches,
}: Tree): readonly Stretch[] {
  if (stretches) return stretches;
  return firstSeq > lastSeq ? [] : [{ from: firstSeq, to: lastSeq, parent: 0 }];
}

/**
 * The index of the stretch that has a seq, -1 if there is none, among the first
 * `end`. It looks at the last ones first, at growing distances: a parent is
 * often near its child.
 */
export function indexOf(
  stretches: readonly Stretch[],
  seq: number,
  end = stretches.length,
): number {
  let high = end;
  let low = end - 1;
  for (let step = 1; low > 0 && stretches[low]!.from > seq; step *= 2) {
    high = low;
    low = Math.max(low - step, 0);
  }
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (stretches[middle]!.from <= seq) low = middle;
    else high = middle;
  }
  const found = stretches[low];
  return found && found.from <= seq && seq <= found.to ? low : -1;
}

/** Throws a RangeError if there is no such message. */
export function existing(
  stretches: readonly Stretch[],
  seq: number,
  end?: number,
): number {
  const index = indexOf(stretches, seq, end);
  if (index === -1) throw new RangeError(`There is no message ${seq}`);
  return index;
}

export function has(tree: Tree, seq: number): boolean {
  return indexOf(stretchesOf(tree), seq) !== -1;
}

/** The first seq after this one whose message exists. */
export function nextIn(tree: Tree, seq: number): number | undefined {
  const stretch = stretchesOf(tree).find(({ to }) => to > seq);
  return stretch && Math.max(stretch.from, seq + 1);
}

/** Whether a message with one of these seqs exists. */
export function hasAnyOf(tree: Tree, { from, to }: SeqRange): boolean {
  return stretchesOf(tree).some(
    (stretch) => stretch.from <= to && from <= stretch.to,
  );
}

/** How many messages exist. */
export function countOf(tree: Tree): number {
  return sizeOf(stretchesOf(tree));
}

/** How many messages some ranges have. */
export function sizeOf(ranges: readonly SeqRange[]): number {
  return ranges.reduce((sum, range) => sum + lengthOf(range), 0);
}

export function lengthOf({ from, to }: SeqRange): number {
  return to - from + 1;
}

/** The parent of a message; 0 if it is a root. */
export function parentOf(tree: Tree, seq: number): number {
  const stretches = stretchesOf(tree);
  return parentIn(stretches[existing(stretches, seq)]!, seq);
}

export function parentIn({ from, parent }: Stretch, seq: number): number {
  return seq === from ? parent : seq - 1;
}

/** The children of a message, ascending; the roots, if it is 0. */
export function childrenOf(tree: Tree, seq: number): number[] {
  const stretches = stretchesOf(tree);
  const children: number[] = [];
  if (seq > 0 && seq < stretches[existing(stretches, seq)]!.to) {
    children.push(seq + 1);
  }
  // All other children begin a stretch, after that of their parent.
  const byParent = byParentOf(stretches);
  const parentAt = (at: number) => stretches[byParent[at]!]!.parent;
  const first = lastAtMost(seq - 1, byParent.length, parentAt) + 1;
  for (let at = first; ; at++) {
    const stretch = stretches[byParent[at]!];
    if (stretch?.parent !== seq) return children;
    children.push(stretch.from);
  }
}

/** A message with its siblings, ascending. */
export function siblingsOf(tree: Tree, seq: number): number[] {
  return childrenOf(tree, parentOf(tree, seq));
}

/** The indexes of stretches, ordered by parent and seq. A tree is read more often than it changes. */
const indexesByParent = new WeakMap<readonly Stretch[], Uint32Array>();

function byParentOf(stretches: readonly Stretch[]): Uint32Array {
  let indexes = indexesByParent.get(stretches);
  if (!indexes) {
    indexes = Uint32Array.from(stretches.keys()).sort(
      (a, b) => stretches[a]!.parent - stretches[b]!.parent || a - b,
    );
    indexesByParent.set(stretches, indexes);
  }
  return indexes;
}

/** The last index whose value, of ascending ones, is at most this; -1 if there is none. */
export function lastAtMost(
  value: number,
  length: number,
  valueAt: (index: number) => number,
): number {
  let low = -1;
  let high = length;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (valueAt(middle) <= value) low = middle;
    else high = middle;
  }
  return low;
}

/** A message and all below it, ascending. The first range begins with it, the last one ends with the newest leaf. */
export function subtreeOf(tree: Tree, seq: number): SeqRange[] {
  const stretches = stretchesOf(tree);
  const start = existing(stretches, seq);
  const ranges = [{ from: seq, to: stretches[start]!.to }];
  const isWhole = new Uint8Array(stretches.length);
  for (let index = start + 1; index < stretches.length; index++) {
    const { from, to, parent } = stretches[index]!;
    if (parent < seq) continue;
    const above = existing(stretches, parent, index);
    if (above !== start && !isWhole[above]) continue;
    isWhole[index] = 1;
    ranges.push({ from, to });
  }
  return ranges;
}

/** The newest leaf below a message; the message itself if it has no children. */
export function newestLeafOf(tree: Tree, seq: number): number {
  return subtreeOf(tree, seq).at(-1)!.to;
}
