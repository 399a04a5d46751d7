import { LRUCache } from 'lru-cache';
import {
  branchedTreeOf,
  linearTreeOf,
  parseStretches,
  type StoredShape,
  type StoredStretches,
} from './stored-tree.js';
import type { Tree } from './tree.js';

/** A session's row without its stretches. */
export interface TreeRow extends StoredShape {
  id: string;
  /** New with each text of stretches; null if the tree is linear. */
  treeRevision: string | null;
}

type BranchedTree = Tree & Pick<StoredStretches, 'stretches'>;

interface Entry {
  stored: StoredStretches;
  /** The leaf in the row that the tree was made of. */
  leafSeq: number | null;
  tree: Tree;
}

/** Stretches of all cached trees: ten of the largest, of about 1 MB each. */
const MAX_CACHED = 100_000;

/**
 * Trees of branched sessions. To parse 10,000 stretches takes longer than all
 * else of the page that needs them (`npx tsx test/bench/trees.ts`), and a tree is
 * read more often than it changes.
 * A row says by its `treeRevision` which stretches are its own, so a cached tree
 * is never an old one, whoever wrote it.
 */
export class TreeCache {
  private readonly entries = new LRUCache<string, Entry>({
    maxSize: MAX_CACHED,
    sizeCalculation: ({ stored }) => stored.stretches.length,
  });

  /** The tree of a row; undefined if its stretches must be read first. Throws an Error if the row is damaged. */
  find(row: TreeRow): Tree | undefined {
    const linear = linearTreeOf(row);
    if (linear) return linear;
    const cached = this.entries.get(keyOf(row));
    if (!cached) return undefined;
    const { tree, leafSeq, stored } = cached;
    const isSame = tree.lastSeq === row.lastSeq && leafSeq === row.leafSeq;
    return isSame ? tree : this.put(row, stored);
  }

  /** The tree of a row with its stretches. Throws an Error if the row is damaged. */
  add(row: TreeRow, text: string): Tree {
    return this.put(row, parseStretches(text));
  }

  /** Keeps a tree that will be stored with this revision. */
  keep(row: Pick<TreeRow, 'id' | 'treeRevision'>, tree: BranchedTree): void {
    const { lastSeq, leafSeq, stretches } = tree;
    const stored = { lastSeq, stretches };
    this.entries.set(keyOf(row), { stored, leafSeq, tree });
  }

  private put(row: TreeRow, stored: StoredStretches | undefined): Tree {
    const tree = stored && branchedTreeOf(row, stored);
    if (!tree) {
      throw new Error(`The chat session ${row.id} has a damaged tree`);
    }
    this.entries.set(keyOf(row), { stored, leafSeq: row.leafSeq, tree });
    return tree;
  }
}

function keyOf({
  id,
  treeRevision,
}: Pick<TreeRow, 'id' | 'treeRevision'>): string {
  return `${id} ${treeRevision}`;
}
