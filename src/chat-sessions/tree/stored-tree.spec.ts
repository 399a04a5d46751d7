import { describe, expect, it } from 'vitest';
import { append, deleteOne, goTo } from './changes.js';
import { parseStretches, storedTreeOf } from './stored-tree.js';
import { TreeCache, type TreeRow } from './tree-cache.js';
import type { Stretch, Tree } from './tree.js';

const EMPTY: Tree = { firstSeq: 1, lastSeq: 0, leafSeq: 0, stretches: null };
/** A second answer, 5, to question 3, then a deletion of 2. */
const TREE = deleteOne(append(append(EMPTY, 4), 1, 3), 2).tree;

function rowOf(tree: Tree, treeRevision = 'r1') {
  const stored = storedTreeOf(tree);
  return { id: 'a', treeRevision: stored.stretches && treeRevision, ...stored };
}

describe('storedTreeOf', () => {
  it('stores nothing of a linear tree', () => {
    expect(storedTreeOf(append(EMPTY, 4))).toEqual({
      lastSeq: 4,
      messageCount: 4,
      deletedCount: 0,
      firstSeq: null,
      leafSeq: null,
      stretches: null,
    });
  });

  it('counts what was deleted, and writes distances', () => {
    expect(storedTreeOf(TREE)).toEqual({
      lastSeq: 5,
      messageCount: 5,
      deletedCount: 1,
      firstSeq: 1,
      leafSeq: 5,
      stretches: '[5,0,0,0,1,1,2,0,0,2]',
    });
  });

  it('takes at most 250 kB for 10,000 stretches, however far apart', () => {
    const stretches: Stretch[] = [{ from: 1, to: 1, parent: 0 }];
    for (let from = 200_000; stretches.length < 10_000; from += 400_000) {
      stretches.push({ from, to: from + 199_000, parent: 1 });
    }
    const { to } = stretches.at(-1)!;
    const tree = { firstSeq: 1, lastSeq: to, leafSeq: to, stretches };
    const text = storedTreeOf(tree).stretches!;
    expect(text.length).toBeLessThan(250_000);
    expect(parseStretches(text)).toEqual({ lastSeq: to, stretches });
  });
});

describe('TreeCache', () => {
  it('needs the stretches of a branched tree once', () => {
    const cache = new TreeCache();
    const row = rowOf(TREE);
    expect(cache.find(row)).toBeUndefined();
    const tree = cache.add(row, row.stretches!);
    expect(tree).toEqual(TREE);
    expect(cache.find(row)).toBe(tree);
    expect(cache.find({ ...row, id: 'b' })).toBeUndefined();
    expect(cache.find({ ...row, treeRevision: 'r2' })).toBeUndefined();
  });

  it('follows appends at the leaf, and a leaf that moves, without the stretches', () => {
    const cache = new TreeCache();
    const row = rowOf(TREE);
    cache.add(row, row.stretches!);
    const longer = { ...row, lastSeq: 7, messageCount: 7 };
    const tree = cache.find(longer);
    expect(tree).toEqual(append(TREE, 2));
    expect(cache.find(longer)).toBe(tree);
    expect(cache.find({ ...row, leafSeq: 4 })).toEqual(goTo(TREE, 4));
    expect(cache.find(row)).toEqual(TREE);
  });

  it('takes a session that the version before has cleared as linear', () => {
    const cache = new TreeCache();
    const row = rowOf(TREE);
    cache.add(row, row.stretches!);
    expect(cache.find({ ...row, messageCount: 0 })).toEqual({
      firstSeq: 6,
      lastSeq: 5,
      leafSeq: 0,
      stretches: null,
    });
    const appended = { ...row, lastSeq: 10, messageCount: 5 };
    expect(cache.find(appended)).toEqual({
      firstSeq: 6,
      lastSeq: 10,
      leafSeq: 10,
      stretches: null,
    });
  });

  it.each<[string, Partial<TreeRow & { stretches: string }>]>([
    ['no JSON', { stretches: '[5,0,0,0' }],
    ['no list', { stretches: '{"a":1}' }],
    ['no stretch', { stretches: '[5]' }],
    ['half a stretch', { stretches: '[5,0,0,0,1]' }],
    ['text in it', { stretches: '[5,0,"0",0]' }],
    ['null in it', { stretches: '[5,0,null,0]' }],
    ['a fraction', { stretches: '[5,0,0.5,0]' }],
    ['a number below 0', { stretches: '[5,0,4,0,0,-1,0]' }],
    ['a parent that was deleted', { stretches: '[5,0,0,0,1,2,1]' }],
    ['a parent below 1', { stretches: '[5,0,0,0,0,3,9]' }],
    ['more than it knows', { stretches: '[4,0,4,0]' }],
    ['another first seq', { stretches: '[5,1,3,0]' }],
    ['a last seq below its own', { lastSeq: 4, messageCount: 4 }],
    ['a leaf that was deleted', { leafSeq: 2 }],
    ['no leaf', { leafSeq: null }],
  ])('refuses a row with %s', (_, damage) => {
    const row = { ...rowOf(TREE), ...damage };
    const cache = new TreeCache();
    expect(() => cache.add(row, row.stretches!)).toThrow(
      'The chat session a has a damaged tree',
    );
  });
});
