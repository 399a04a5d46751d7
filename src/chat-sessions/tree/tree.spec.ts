import * as fc from 'fast-check';
import { randomInt } from 'node:crypto';
import { beforeAll, expect, it } from 'vitest';
import { NaiveTree } from '../../../test/support/naive-tree.js';
import {
  append,
  clear,
  deleteFollowing,
  deleteOne,
  goTo,
  type Removal,
  replace,
} from './changes.js';
import { arrivalsOf, pageOf, pathOf, type PathPageQuery } from './path.js';
import { storedTreeOf } from './stored-tree.js';
import { TreeCache, type TreeRow } from './tree-cache.js';
import {
  childrenOf,
  countOf,
  has,
  newestLeafOf,
  parentOf,
  type SeqRange,
  siblingsOf,
  type Tree,
} from './tree.js';

const {
  TREE_HISTORIES = '1000',
  TREE_HISTORIES_SEED: SEED = String(randomInt(2 ** 31)),
  TREE_HISTORIES_PATH: PATH,
} = process.env;
const HISTORIES = Number(TREE_HISTORIES);
/** A history takes some milliseconds, more on a busy machine. */
const TIMEOUT_MS = 60_000 + HISTORIES * 200;

const EMPTY: Tree = { firstSeq: 1, lastSeq: 0, leafSeq: 0, stretches: null };

interface Step {
  kind:
    | 'append'
    | 'append at the leaf'
    | 'new root'
    | 'delete'
    | 'delete with following'
    | 'go to'
    | 'replace'
    | 'replace from the start'
    | 'clear'
    | 'clear by the version before';
  /** Picks a message, of those that exist. */
  pick: number;
  count: number;
  keep: boolean;
  /** The limit of the pages after it. */
  limit: number;
}

function weighted(weight: number, kind: Step['kind']) {
  return { weight, arbitrary: fc.constant(kind) };
}

const step: fc.Arbitrary<Step> = fc.record({
  kind: fc.oneof(
    weighted(12, 'append'),
    // The version before does the same to a row.
    weighted(8, 'append at the leaf'),
    weighted(1, 'new root'),
    weighted(6, 'delete'),
    weighted(2, 'delete with following'),
    weighted(4, 'go to'),
    weighted(4, 'replace'),
    weighted(1, 'replace from the start'),
    weighted(1, 'clear'),
    weighted(1, 'clear by the version before'),
  ),
  pick: fc.nat(1000),
  count: fc.integer({ min: 1, max: 4 }),
  keep: fc.boolean(),
  limit: fc.integer({ min: 1, max: 8 }),
});

/** The row of a session, its cache, and the same messages in a map. */
class Session {
  readonly naive = new NaiveTree();
  tree = EMPTY;
  private readonly cache = new TreeCache();
  private row = {
    ...storedTreeOf(EMPTY),
    id: 'a',
    treeRevision: null,
  } as TreeRow & { stretches: string | null };
  private writes = 0;

  apply({ kind, pick, count, keep }: Step): void {
    const { naive, tree } = this;
    const seqs = naive.seqs();
    const seq = seqs[pick % seqs.length] ?? 0;
    switch (kind) {
      case 'append':
      case 'new root': {
        const parent = kind === 'append' ? seq : 0;
        naive.append(count, parent);
        return this.write(append(tree, count, parent));
      }
      case 'append at the leaf':
        naive.append(count, naive.leaf);
        this.row.lastSeq += count;
        this.row.messageCount += count;
        return this.read(append(tree, count));
      case 'replace':
      case 'replace from the start': {
        const after = kind === 'replace' ? seq : 0;
        const replacement = { after, count: count - 1, keep };
        return this.remove(
          replace(tree, replacement),
          naive.replace(replacement),
        );
      }
      case 'delete':
      case 'delete with following': {
        if (seq === 0) return;
        const isOne = kind === 'delete';
        const gone = isOne ? [seq] : naive.subtree(seq);
        naive.delete(seq, gone);
        const remove = isOne ? deleteOne : deleteFollowing;
        return this.remove(remove(tree, seq), gone);
      }
      case 'go to':
        if (seq === 0) return;
        naive.leaf = naive.subtree(seq).at(-1)!;
        return this.write(goTo(tree, seq));
      case 'clear':
        naive.clear();
        return this.write(clear(tree));
      case 'clear by the version before':
        naive.clear();
        this.row.messageCount = 0;
        return this.read(clear(tree));
    }
  }

  private remove({ tree, removed }: Removal, expected: number[]): void {
    expectSame(seqsOf(removed), expected);
    this.write(tree);
  }

  private write(tree: Tree): void {
    const treeRevision = tree.stretches && String(++this.writes);
    this.row = { id: 'a', treeRevision, ...storedTreeOf(tree) };
    this.read(tree);
  }

  private read(expected: Tree): void {
    const { cache, row } = this;
    this.tree = cache.find(row) ?? cache.add(row, row.stretches!);
    expectSame(this.tree, expected);
  }
}

function seqsOf(ranges: readonly SeqRange[]): number[] {
  return ranges.flatMap(({ from, to }) =>
    Array.from({ length: to - from + 1 }, (_, index) => from + index),
  );
}

/** `toEqual`, which is slow, only if the JSON differs. */
function expectSame(actual: unknown, expected: unknown): void {
  if (JSON.stringify(actual) === JSON.stringify(expected)) return;
  expect(actual).toEqual(expected);
}

function expectEqual({ tree, naive }: Session): void {
  const messages = naive.messages();
  expectSame(
    {
      leaf: tree.leafSeq,
      count: countOf(tree),
      first: tree.firstSeq,
      roots: childrenOf(tree, 0),
    },
    {
      leaf: naive.leaf,
      count: messages.length,
      first: messages[0]?.seq ?? tree.lastSeq + 1,
      roots: naive.children(0),
    },
  );
  for (let seq = 0; seq <= tree.lastSeq + 1; seq++) {
    expectSame(has(tree, seq), naive.parents.has(seq));
  }
  for (const message of messages) {
    const { seq } = message;
    expectSame(
      {
        seq,
        parent: parentOf(tree, seq),
        children: childrenOf(tree, seq),
        siblings: siblingsOf(tree, seq),
        path: seqsOf(pathOf(tree, seq).ranges),
        newestLeaf: newestLeafOf(tree, seq),
      },
      message,
    );
  }
}

function expectEqualPages({ tree, naive }: Session, limit: number): void {
  const paths = [
    { path: pathOf(tree), expected: naive.path(naive.leaf) },
    { path: arrivalsOf(tree), expected: naive.seqs() },
  ];
  const queries: PathPageQuery[] = [{ limit }];
  for (let cursor = 0; cursor <= tree.lastSeq + 2; cursor++) {
    queries.push(
      { limit, before: cursor },
      { limit, after: cursor },
      { limit, around: cursor },
    );
  }
  for (const { path, expected } of paths) {
    for (const query of queries) {
      const { ranges, ...page } = pageOf(path, query);
      const seqs = seqsOf(ranges);
      expectSame(
        { query, seqs, ...page },
        { query, ...naive.page(expected, query) },
      );
      if (ranges.length > limit) expect(ranges).toHaveLength(limit);
    }
  }
}

beforeAll(() => {
  process.stdout.write(
    `histories of trees: ${HISTORIES} with TREE_HISTORIES_SEED=${SEED}\n`,
  );
});

it(
  'a tree equals a map of parents after each step of any history',
  { timeout: TIMEOUT_MS },
  () => {
    const history = fc.array(step, {
      minLength: 1,
      maxLength: 60,
      size: 'max',
    });
    fc.assert(
      fc.property(history, (steps) => {
        const session = new Session();
        for (const one of steps) {
          session.apply(one);
          expectEqual(session);
          expectEqualPages(session, one.limit);
        }
      }),
      { numRuns: HISTORIES, seed: Number(SEED), ...(PATH && { path: PATH }) },
    );
  },
);
