import { append } from '../../src/chat-sessions/tree/changes.js';
import type { Stretch, Tree } from '../../src/chat-sessions/tree/tree.js';

export const FORKS = 10_000;

export const line = append(
  { firstSeq: 1, lastSeq: 0, leafSeq: 0, stretches: null },
  FORKS,
);

/** Each message was answered twice, and the second answer went on: every second seq is on the path. */
export const comb = treeOf((index) => ({
  from: 2 * index + 1,
  to: 2 * index + 2,
  parent: Math.max(2 * index - 1, 0),
}));

/** A line whose messages were all answered again later. */
export const brush = treeOf((index) =>
  index === 0
    ? { from: 1, to: FORKS, parent: 0 }
    : { from: FORKS + index, to: FORKS + index, parent: index },
);

function treeOf(stretchAt: (index: number) => Stretch): Tree {
  const stretches = Array.from({ length: FORKS }, (_, at) => stretchAt(at));
  const { to } = stretches.at(-1)!;
  return { firstSeq: 1, lastSeq: to, leafSeq: to, stretches };
}
