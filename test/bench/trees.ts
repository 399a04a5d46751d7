/**
 * `npx tsx test/bench/trees.ts`: what the tree of a session with 10,000 stretches
 * costs: the bytes of its text, and the milliseconds to parse it, to find its
 * path and to make a page, beside those of a line. Needs no database; takes
 * seconds.
 */
import { append, goTo } from '../../src/chat-sessions/tree/changes.js';
import { pageOf, pathOf } from '../../src/chat-sessions/tree/path.js';
import {
  parseStretches,
  storedTreeOf,
} from '../../src/chat-sessions/tree/stored-tree.js';
import {
  siblingsOf,
  stretchesOf,
  type Tree,
} from '../../src/chat-sessions/tree/tree.js';
import { brush, comb, FORKS, line } from '../support/large-trees.js';

const LIMIT = 50;
const ROUNDS = 300;

/** Without what is remembered of it. */
function fresh(tree: Tree): Tree {
  return { ...tree, stretches: tree.stretches && [...tree.stretches] };
}

function page(tree: Tree): number {
  const { ranges } = pageOf(pathOf(tree), { limit: LIMIT, after: FORKS / 2 });
  if (!tree.stretches) return ranges.length;
  return ranges.reduce(
    (sum, { from }) => sum + siblingsOf(tree, from).length,
    0,
  );
}

/** The median, in milliseconds. */
function median(run: () => unknown): string {
  const times = Array.from({ length: ROUNDS }, () => {
    const startedAt = performance.now();
    run();
    return performance.now() - startedAt;
  });
  times.sort((a, b) => a - b);
  return times[ROUNDS / 2]!.toFixed(4);
}

for (const [name, tree] of Object.entries({ line, comb, brush })) {
  const text = storedTreeOf(tree).stretches ?? '';
  console.log(`${name}: ${stretchesOf(tree).length} stretches`);
  console.log(`  text              ${text.length} bytes`);
  if (text)
    console.log(`  parse             ${median(() => parseStretches(text))} ms`);
  console.log(`  path              ${median(() => pathOf(fresh(tree)))} ms`);
  console.log(`  page, remembered  ${median(() => page(tree))} ms`);
  console.log(`  append            ${median(() => append(tree, 1))} ms`);
  console.log(`  go to the first   ${median(() => goTo(tree, 1))} ms`);
  console.log(`  text to store     ${median(() => storedTreeOf(tree))} ms`);
}
