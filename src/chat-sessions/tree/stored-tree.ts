import { appended } from './changes.js';
import { countOf, has, indexOf, type Stretch, type Tree } from './tree.js';

/**
 * The columns of a tree in its session's row. The version of the service before
 * knows `lastSeq` and `messageCount` only, and may change them: it appends and
 * clears as if the session were linear.
 */
export interface StoredTree {
  lastSeq: number;
  /** All seqs from the first to the last, deleted ones included. */
  messageCount: number;
  /** How many of these were deleted. */
  deletedCount: number;
  /** The first seq, null if the tree is linear. If it is not the first by `messageCount`, the version before has cleared the session since. */
  firstSeq: number | null;
  /** The leaf when `stretches` was written, null if the tree is linear. */
  leafSeq: number | null;
  /**
   * JSON, null if the tree is linear: `[last, skipped, following, above, ...]`.
   * `last` is the `lastSeq` when it was written. Three numbers follow for each
   * stretch: how many seqs it skips, how many messages follow its first one, and
   * how far its first one is above its parent (0 for a root). 10,000 stretches
   * take some 60 to 110 kB.
   */
  stretches: string | null;
}

/** The columns that tell a linear tree from a branched one. */
export type StoredShape = Omit<StoredTree, 'deletedCount' | 'stretches'>;

type SeqColumns = Omit<StoredShape, 'leafSeq'>;

/** The columns of a tree without a message. */
export const NO_TREE = {
  messageCount: 0,
  deletedCount: 0,
  firstSeq: null,
  leafSeq: null,
  treeRevision: null,
  stretches: null,
} as const;

/** Stretches as they were stored, and the `lastSeq` of that time. */
export interface StoredStretches {
  readonly lastSeq: number;
  readonly stretches: readonly Stretch[];
}

/** The seq of the first message; `lastSeq + 1` without messages. */
export function firstSeqOf({
  lastSeq,
  messageCount,
}: Pick<StoredTree, 'lastSeq' | 'messageCount'>): number {
  return lastSeq - messageCount + 1;
}

/** Whether the stretches of a row are those of its tree. */
function isBranched(row: SeqColumns): boolean {
  return row.firstSeq === firstSeqOf(row);
}

/** How many messages exist. */
export function existingCountOf(
  row: SeqColumns & Pick<StoredTree, 'deletedCount'>,
): number {
  return isBranched(row)
    ? row.messageCount - row.deletedCount
    : row.messageCount;
}

/** The tree of a row that needs no stretches; undefined if it is branched. */
export function linearTreeOf(row: StoredShape): Tree | undefined {
  if (isBranched(row)) return undefined;
  const { lastSeq, messageCount } = row;
  return {
    firstSeq: firstSeqOf(row),
    lastSeq,
    leafSeq: messageCount === 0 ? 0 : lastSeq,
    stretches: null,
  };
}

/**
 * The tree of a row that is branched. Seqs that are newer than its stretches
 * were appended at its leaf. Undefined if the row is damaged.
 */
export function branchedTreeOf(
  row: StoredShape,
  { lastSeq, stretches }: StoredStretches,
): Tree | undefined {
  const { firstSeq, leafSeq } = row;
  if (firstSeq === null || leafSeq === null) return undefined;
  const tree = { firstSeq, lastSeq, leafSeq, stretches };
  const isValid =
    stretches[0]!.from === firstSeq &&
    lastSeq <= row.lastSeq &&
    (leafSeq === 0 || has(tree, leafSeq));
  if (!isValid) return undefined;
  const newer = row.lastSeq - lastSeq;
  return newer === 0 ? tree : appended(tree, newer);
}

/** The columns of a tree. An append at the leaf may leave those as they are that are null in a linear one. */
export function storedTreeOf(tree: Tree): StoredTree {
  const { firstSeq, lastSeq, leafSeq, stretches } = tree;
  const messageCount = lastSeq - firstSeq + 1;
  return {
    lastSeq,
    messageCount,
    deletedCount: messageCount - countOf(tree),
    firstSeq: stretches && firstSeq,
    leafSeq: stretches && leafSeq,
    stretches: stretches && format(lastSeq, stretches),
  };
}

function format(lastSeq: number, stretches: readonly Stretch[]): string {
  const numbers = [lastSeq];
  let end = 0;
  for (const { from, to, parent } of stretches) {
    numbers.push(from - end - 1, to - from, parent === 0 ? 0 : from - parent);
    end = to;
  }
  return JSON.stringify(numbers);
}

/** Parses the text of stretches; undefined if it is damaged. */
export function parseStretches(text: string): StoredStretches | undefined {
  const numbers = numbersOf(text);
  if (!numbers || numbers.length < 4 || numbers.length % 3 !== 1) {
    return undefined;
  }
  const lastSeq = numbers[0]!;
  const stretches: Stretch[] = [];
  let end = 0;
  for (let at = 1; at < numbers.length; at += 3) {
    const from = end + 1 + numbers[at]!;
    const to = from + numbers[at + 1]!;
    const above = numbers[at + 2]!;
    const parent = above === 0 ? 0 : from - above;
    if (parent !== 0 && indexOf(stretches, parent) === -1) return undefined;
    stretches.push({ from, to, parent });
    end = to;
  }
  return end <= lastSeq ? { lastSeq, stretches } : undefined;
}

/** Undefined unless the text is a JSON array of integers from 0. */
function numbersOf(text: string): number[] | undefined {
  let numbers: unknown;
  try {
    numbers = JSON.parse(text);
  } catch {
    return undefined;
  }
  const isList =
    Array.isArray(numbers) &&
    numbers.every((number) => Number.isSafeInteger(number) && number >= 0);
  return isList ? (numbers as number[]) : undefined;
}
