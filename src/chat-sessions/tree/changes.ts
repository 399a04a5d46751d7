import { ChatSessionsError } from '../errors.js';
import { pathOf } from './path.js';
import {
  existing,
  newestLeafOf,
  parentIn,
  type SeqRange,
  type Stretch,
  stretchesOf,
  subtreeOf,
  type Tree,
} from './tree.js';

/** A session has at most this many stretches: each branch, and each gap of deleted messages, may add one. */
export const MAX_STRETCHES = 10_000;

/** A change that removes messages. */
export interface Removal {
  tree: Tree;
  /** The seqs that are removed, ascending. */
  removed: SeqRange[];
}

/** New messages in place of those that follow a message on the path. */
export interface Replacement {
  /** The message that the new ones follow; 0 replaces the path from its start. */
  after: number;
  /** How many new messages follow it; 0 undoes what followed. */
  count: number;
  /** Whether the replaced messages stay as another branch. */
  keep: boolean;
}

/**
 * Appends a message, or several that follow each other, below `parent`: by
 * default the leaf, 0 for a new root. The leaf moves to the last of them. Throws
 * a RangeError if the parent does not exist, `too_many_branches`.
 */
export function append(tree: Tree, count: number, parent = tree.leafSeq): Tree {
  return limited(tree, appended(tree, count, parent));
}

/** Like `append`, whatever the number of stretches. */
export function appended(
  tree: Tree,
  count: number,
  parent = tree.leafSeq,
): Tree {
  if (parent !== 0) existing(stretchesOf(tree), parent);
  const stretches = [...stretchesOf(tree)];
  const newest = stretches.at(-1);
  const to = tree.lastSeq + count;
  if (newest?.to === parent && parent === tree.lastSeq) {
    stretches[stretches.length - 1] = { ...newest, to };
  } else {
    stretches.push({ from: tree.lastSeq + 1, to, parent });
  }
  return changed(tree, { lastSeq: to, leafSeq: to, stretches });
}

/**
 * Deletes a message; its children become those of its parent. If it was the
 * leaf, the leaf moves to its parent. A root has none: then it moves to the
 * newest message that is left, so that a session that has messages does not look
 * empty. Throws a RangeError if there is no such message, `too_many_branches`.
 */
export function deleteOne(tree: Tree, seq: number): Removal {
  const before = stretchesOf(tree);
  const cut = existing(before, seq);
  const parent = parentIn(before[cut]!, seq);
  const stretches = before.flatMap((stretch, index) => {
    if (index === cut) return withoutOne(stretch, seq);
    return stretch.parent === seq ? { ...stretch, parent } : stretch;
  });
  const removed = [{ from: seq, to: seq }];
  return removal(tree, { stretches, removed, parent });
}

/**
 * Deletes a message with all that follow it, on every branch. If the leaf was
 * among them, it moves as in `deleteOne`. Throws a RangeError if there is no
 * such message.
 */
export function deleteFollowing(tree: Tree, seq: number): Removal {
  const before = stretchesOf(tree);
  const cut = existing(before, seq);
  const parent = parentIn(before[cut]!, seq);
  const removed = subtreeOf(tree, seq);
  const gone = new Set(removed.map(({ from }) => from));
  const stretches = before.flatMap((stretch, index) => {
    if (index === cut) return upTo(stretch, seq - 1);
    return gone.has(stretch.from) ? [] : stretch;
  });
  return removal(tree, { stretches, removed, parent });
}

/**
 * Goes to the branch of a message: the leaf moves to the newest leaf below it.
 * Throws a RangeError if there is no such message.
 */
export function goTo(tree: Tree, seq: number): Tree {
  return changed(tree, { leafSeq: newestLeafOf(tree, seq) });
}

/**
 * Replaces what follows a message on the path: with `keep`, it stays as another
 * branch; otherwise it is removed with all that follows it. Other children of
 * `after` stay in any case. If `after` is not on the path, nothing follows it
 * there, and the new messages begin one more branch. The leaf moves to the last
 * new message, or to `after` if there is none. Throws a RangeError if `after`
 * does not exist, `too_many_branches`.
 */
export function replace(
  tree: Tree,
  { after, count, keep }: Replacement,
): Removal {
  if (after !== 0) existing(stretchesOf(tree), after);
  const replaced = keep ? undefined : nextOnPath(tree, after);
  const { tree: kept, removed } =
    replaced === undefined
      ? { tree, removed: [] }
      : deleteFollowing(tree, replaced);
  const replacedTree =
    count > 0 ? append(kept, count, after) : changed(kept, { leafSeq: after });
  return { tree: replacedTree, removed };
}

/** Deletes all messages. */
export function clear({ lastSeq }: Tree): Tree {
  return { firstSeq: lastSeq + 1, lastSeq, leafSeq: 0, stretches: null };
}

/** The message after this one on the path; the root of the path after 0. */
function nextOnPath(tree: Tree, seq: number): number | undefined {
  const path = pathOf(tree).ranges;
  if (seq === 0) return path[0]?.from;
  const index = path.findLastIndex(({ from }) => from <= seq);
  const range = path[index];
  if (!range || seq > range.to) return undefined;
  return seq < range.to ? seq + 1 : path[index + 1]?.from;
}

function removal(
  tree: Tree,
  {
    stretches,
    removed,
    parent,
  }: { stretches: Stretch[]; removed: SeqRange[]; parent: number },
): Removal {
  const { leafSeq } = tree;
  const isLeafGone = removed.some(
    ({ from, to }) => from <= leafSeq && leafSeq <= to,
  );
  const newLeaf = parent || (stretches.at(-1)?.to ?? 0);
  const after = changed(tree, {
    leafSeq: isLeafGone ? newLeaf : leafSeq,
    stretches,
  });
  return { tree: limited(tree, after), removed: merged(removed) };
}

/** Ranges that touch become one: each is a statement. */
function merged(ranges: readonly SeqRange[]): SeqRange[] {
  const found: SeqRange[] = [];
  for (const { from, to } of ranges) {
    const last = found.at(-1);
    if (last && last.to + 1 === from) {
      found[found.length - 1] = { from: last.from, to };
    } else found.push({ from, to });
  }
  return found;
}

function withoutOne(stretch: Stretch, seq: number): Stretch[] {
  const { to } = stretch;
  const rest = { from: seq + 1, to, parent: parentIn(stretch, seq) };
  return [...upTo(stretch, seq - 1), ...(seq < to ? [rest] : [])];
}

function upTo({ from, parent }: Stretch, to: number): Stretch[] {
  return from <= to ? [{ from, to, parent }] : [];
}

/** The tree after a change; without stretches if it is linear. */
function changed(before: Tree, change: Partial<Omit<Tree, 'firstSeq'>>): Tree {
  const { lastSeq, leafSeq } = { ...before, ...change };
  const stretches = change.stretches ?? stretchesOf(before);
  const [first] = stretches;
  const firstSeq = first?.from ?? lastSeq + 1;
  const isLinear =
    !first ||
    (stretches.length === 1 &&
      first.parent === 0 &&
      first.to === lastSeq &&
      leafSeq === lastSeq);
  return { firstSeq, lastSeq, leafSeq, stretches: isLinear ? null : stretches };
}

/** Throws `too_many_branches` if a change adds a stretch to the most that a session may have. */
function limited(before: Tree, after: Tree): Tree {
  const count = stretchesOf(after).length;
  if (count > MAX_STRETCHES && count > stretchesOf(before).length) {
    throw new ChatSessionsError('too_many_branches');
  }
  return after;
}
