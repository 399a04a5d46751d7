import { describe, expect, it } from 'vitest';
import {
  append,
  clear,
  deleteFollowing,
  deleteOne,
  goTo,
  MAX_STRETCHES,
  replace,
} from './changes.js';
import { pageOf, pathOf } from './path.js';
import {
  childrenOf,
  hasAnyOf,
  newestLeafOf,
  nextIn,
  parentOf,
  siblingsOf,
  type Stretch,
  stretchesOf,
  subtreeOf,
  type Tree,
} from './tree.js';

const EMPTY: Tree = { firstSeq: 1, lastSeq: 0, leafSeq: 0, stretches: null };
const TOO_MANY = expect.objectContaining({ code: 'too_many_branches' });

function line(length: number): Tree {
  return append(EMPTY, length);
}

/** Questions 1, 3, 5 ...: each follows the one before, and each has an answer, 2, 4, 6 ..., that nobody went on from. */
function comb(forks: number): Tree {
  const stretches = Array.from({ length: forks }, (_, index): Stretch => ({
    from: 2 * index + 1,
    to: 2 * index + 2,
    parent: Math.max(2 * index - 1, 0),
  }));
  const lastSeq = 2 * forks;
  return { firstSeq: 1, lastSeq, leafSeq: lastSeq, stretches };
}

/** An array that counts how often its elements are read. */
function counted<T>(array: readonly T[]): { array: T[]; reads: () => number } {
  let reads = 0;
  const proxy = new Proxy([...array], {
    get(target, name, receiver) {
      if (typeof name === 'string' && /^\d+$/.test(name)) reads++;
      return Reflect.get(target, name, receiver) as unknown;
    },
  });
  return { array: proxy, reads: () => reads };
}

describe('a tree', () => {
  it.each<[name: string, tree: Tree, has: string]>([
    ['a line', line(4), '1234'],
    ['a line without its first', deleteOne(line(4), 1).tree, '234'],
    ['a branch with gaps', deleteOne(append(line(4), 2, 2), 3).tree, '12456'],
    ['one without its last', deleteOne(line(4), 4).tree, '123'],
    ['one without messages', clear(line(4)), ''],
  ])('knows which seqs exist: %s', (_, tree, has) => {
    const seqs = has.split('').map(Number);
    for (let from = 1; from <= 7; from++) {
      for (let to = from; to <= 7; to++) {
        const expected = seqs.some((seq) => from <= seq && seq <= to);
        expect(hasAnyOf(tree, { from, to })).toBe(expected);
      }
      expect(nextIn(tree, from - 1)).toBe(seqs.find((seq) => seq >= from));
    }
  });

  it('has the stretches of its example', () => {
    let tree = append(line(4), 1, 3);
    tree = append(tree, 1);
    tree = deleteOne(tree, 2).tree;
    expect(tree).toEqual({
      firstSeq: 1,
      lastSeq: 6,
      leafSeq: 6,
      stretches: [
        { from: 1, to: 1, parent: 0 },
        { from: 3, to: 4, parent: 1 },
        { from: 5, to: 6, parent: 3 },
      ],
    });
    expect(pathOf(tree).ranges).toEqual([
      { from: 1, to: 1 },
      { from: 3, to: 3 },
      { from: 5, to: 6 },
    ]);
    expect(siblingsOf(tree, 5)).toEqual([4, 5]);
  });

  it('is linear again when one stretch up to the last seq is left', () => {
    const branched = append(line(3), 2, 1);
    expect(deleteFollowing(branched, 2).tree.stretches).not.toBeNull();
    const firstOnly = deleteOne(line(3), 1).tree;
    expect(firstOnly).toEqual({
      firstSeq: 2,
      lastSeq: 3,
      leafSeq: 3,
      stretches: null,
    });
    expect(clear(branched)).toEqual({
      firstSeq: 6,
      lastSeq: 5,
      leafSeq: 0,
      stretches: null,
    });
    const secondRoot = append(line(3), 2, 0);
    expect(deleteFollowing(secondRoot, 1).tree).toEqual({
      firstSeq: 4,
      lastSeq: 5,
      leafSeq: 5,
      stretches: null,
    });
  });

  it('does not use the seq of a deleted message again', () => {
    const { tree } = deleteOne(line(3), 3);
    expect(tree).toMatchObject({ lastSeq: 3, leafSeq: 2 });
    expect(parentOf(append(tree, 1), 4)).toBe(2);
  });
});

describe('the leaf', () => {
  it('moves to the parent of a deleted message, beside other children', () => {
    const tree = append(line(3), 1, 2);
    expect(deleteOne(tree, 4).tree.leafSeq).toBe(2);
    expect(deleteFollowing(tree, 2).tree.leafSeq).toBe(1);
  });

  it('moves to the newest message that is left if a root is deleted', () => {
    const roots = append(line(3), 2, 0);
    expect(deleteFollowing(roots, 4).tree.leafSeq).toBe(3);
    expect(deleteFollowing(line(3), 1).tree.leafSeq).toBe(0);
    const other = goTo(roots, 1);
    expect(deleteFollowing(other, 4).tree.leafSeq).toBe(3);
  });

  it('stays when messages beside the path are deleted', () => {
    const tree = append(line(3), 2, 1);
    expect(deleteOne(tree, 3).tree.leafSeq).toBe(5);
    expect(deleteOne(tree, 1).tree.leafSeq).toBe(5);
  });

  it('moves to where a replacement without messages ends', () => {
    const undone = replace(line(4), { after: 2, count: 0, keep: true });
    expect(undone.tree).toMatchObject({ leafSeq: 2 });
    const emptied = replace(line(4), { after: 0, count: 0, keep: true });
    expect(emptied.tree).toMatchObject({ leafSeq: 0 });
    expect(pageOf(pathOf(emptied.tree), { limit: 5 }).ranges).toEqual([]);
    expect(goTo(emptied.tree, 1)).toEqual(line(4));
  });
});

describe('a replacement', () => {
  it('removes what follows on the path, and keeps other children', () => {
    const tree = append(line(3), 2, 1);
    const replacement = { after: 1, count: 1, keep: false };
    const { tree: replaced, removed } = replace(tree, replacement);
    expect(removed).toEqual([{ from: 4, to: 5 }]);
    expect(childrenOf(replaced, 1)).toEqual([2, 6]);
  });

  it('removes nothing after a message beside the path', () => {
    const tree = append(line(3), 2, 1);
    const replacement = { after: 2, count: 1, keep: false };
    const { tree: replaced, removed } = replace(tree, replacement);
    expect(removed).toEqual([]);
    expect(childrenOf(replaced, 2)).toEqual([3, 6]);
  });

  it('from the start removes the root of the path with all below it', () => {
    const roots = append(line(3), 2, 0);
    const replacement = { after: 0, count: 2, keep: false };
    const { tree, removed } = replace(roots, replacement);
    expect(removed).toEqual([{ from: 4, to: 5 }]);
    expect(childrenOf(tree, 0)).toEqual([1, 6]);
  });
});

describe('bad input', () => {
  it('a message that does not exist is refused everywhere', () => {
    const { tree } = deleteOne(append(line(3), 1, 1), 3);
    // 3 was deleted; 5 does not exist yet: a message cannot be its own parent.
    for (const seq of [3, 5, -1, NaN]) {
      expect(() => append(tree, 1, seq)).toThrow(RangeError);
      expect(() => deleteOne(tree, seq)).toThrow(RangeError);
      expect(() => deleteFollowing(tree, seq)).toThrow(RangeError);
      expect(() => goTo(tree, seq)).toThrow(RangeError);
      expect(() => parentOf(tree, seq)).toThrow(RangeError);
      expect(() => replace(tree, { after: seq, count: 1, keep: true })).toThrow(
        RangeError,
      );
    }
    expect(() => deleteOne(EMPTY, 1)).toThrow(RangeError);
  });

  it('one more than 10,000 stretches is refused', () => {
    const tree = comb(MAX_STRETCHES);
    const leaf = tree.leafSeq;
    expect(() => append(tree, 1, leaf - 1)).toThrow(TOO_MANY);
    expect(() => replace(tree, { after: 1, count: 1, keep: true })).toThrow(
      TOO_MANY,
    );
    expect(append(tree, 1, leaf).stretches).toHaveLength(MAX_STRETCHES);
    // A deletion in the middle of a stretch makes two of it.
    const long = append(tree, 2, leaf);
    expect(() => deleteOne(long, leaf + 1)).toThrow(TOO_MANY);
    expect(deleteOne(long, 1).tree.stretches).toHaveLength(MAX_STRETCHES);
    expect(deleteFollowing(long, 3).tree.stretches).toHaveLength(1);
  });

  it('beyond 10,000 stretches, messages can be read and deleted', () => {
    const tree = comb(MAX_STRETCHES + 1);
    expect(pathOf(tree).length).toBe(MAX_STRETCHES + 2);
    expect(append(tree, 1).stretches).toHaveLength(MAX_STRETCHES + 1);
    expect(deleteOne(tree, 2).tree.stretches).toHaveLength(MAX_STRETCHES + 1);
    expect(() => append(tree, 1, 1)).toThrow(TOO_MANY);
  });

  it('5,000 siblings of one message are found and handed to its parent', () => {
    let tree = line(2);
    const answers = Array.from({ length: 5_000 }, (_, index) => index + 3);
    for (const answer of answers) {
      tree = append(tree, 1, 2);
      expect(tree.leafSeq).toBe(answer);
    }
    expect(siblingsOf(tree, 2_500)).toEqual(answers);
    expect(childrenOf(deleteOne(tree, 2).tree, 1)).toEqual(answers);
    const { removed } = deleteFollowing(tree, 2);
    expect(removed).toEqual([{ from: 2, to: 5_002 }]);
  });

  it('a line of 100,000 is one range, and stays one stretch', () => {
    const tree = append(line(99_999), 1);
    expect(tree.stretches).toBeNull();
    expect(pathOf(tree).ranges).toEqual([{ from: 1, to: 100_000 }]);
    expect(pageOf(pathOf(tree), { limit: 2, around: 50_000 })).toEqual({
      ranges: [{ from: 50_000, to: 50_001 }],
      anchor: 50_000,
      hasBefore: true,
      hasAfter: true,
    });
    expect(newestLeafOf(tree, 50_000)).toBe(100_000);
    expect(deleteFollowing(tree, 1).removed).toEqual([
      { from: 1, to: 100_000 },
    ]);
    expect(deleteOne(tree, 50_000).tree.stretches).toHaveLength(2);
  });
});

describe('a comb of 10,000 forks', () => {
  const FORKS = 10_000;
  const tree = comb(FORKS);

  it('has a path that looks at each stretch on it a few times', () => {
    const { array, reads } = counted(stretchesOf(tree));
    const path = pathOf({ ...tree, stretches: array });
    expect(path.ranges).toHaveLength(FORKS);
    expect(reads()).toBeLessThan(8 * FORKS);
  });

  it('has pages that look at as many ranges as they return', () => {
    const path = pathOf(tree);
    for (const query of [{}, { after: 0 }, { before: 9_999 }, { around: 77 }]) {
      const ranges = counted(path.ranges);
      const positions = counted(path.positions);
      const limit = 50;
      const page = pageOf(
        { ...path, ranges: ranges.array, positions: positions.array },
        { limit, ...query },
      );
      expect(page.ranges.length).toBeLessThanOrEqual(limit);
      expect(page.ranges.length).toBeGreaterThanOrEqual(limit - 1);
      expect(ranges.reads() + positions.reads()).toBeLessThan(5 * limit);
    }
  });

  it('tells the siblings of a page by a search for each', () => {
    const { array, reads } = counted(stretchesOf(tree));
    const counting = { ...tree, stretches: array };
    childrenOf(counting, 1);
    const before = reads();
    for (let seq = 1; seq <= 99; seq += 2) {
      expect(childrenOf(counting, seq)).toEqual([seq + 1, seq + 2]);
    }
    expect(reads() - before).toBeLessThan(50 * 5 * Math.log2(FORKS));
  });

  it('is removed from a question on with all that follows', () => {
    const { removed } = deleteFollowing(tree, 101);
    expect(removed).toEqual([{ from: 101, to: 20_000 }]);
    expect(subtreeOf(tree, 101).at(-1)).toEqual({ from: 19_999, to: 20_000 });
  });
});
