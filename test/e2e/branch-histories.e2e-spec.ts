import * as fc from 'fast-check';
import { randomInt, randomUUID } from 'node:crypto';
import { beforeAll, expect, it } from 'vitest';
import { createSession, getSession, type Message } from '../support/api.js';
import { Branches } from '../support/branches.js';
import { NaiveTree } from '../support/naive-tree.js';
import { useTestApp } from '../support/test-app.js';

const {
  BRANCH_HISTORIES = '40',
  BRANCH_HISTORIES_SEED: SEED = String(randomInt(2 ** 31)),
} = process.env;
const HISTORIES = Number(BRANCH_HISTORIES);
const TIMEOUT_MS = 60_000 + HISTORIES * 5_000;

const api = useTestApp();

const step = fc.record({
  kind: fc.constantFrom(
    'append',
    'append at the leaf',
    'new root',
    'delete',
    'delete with following',
    'go to',
    'replace',
    'edit',
    'clear',
  ),
  pick: fc.nat(100),
  count: fc.integer({ min: 1, max: 3 }),
  keep: fc.boolean(),
});
type Step = typeof step extends fc.Arbitrary<infer One> ? One : never;

/** A session of the service, and the same messages in a map of parents. */
class History {
  private readonly naive = new NaiveTree();
  /** The id of each seq. */
  private readonly ids: string[] = [''];
  private readonly branches: Branches;

  constructor(private readonly sessionId: string) {
    this.branches = new Branches(api, sessionId);
  }

  async apply({ kind, pick, count, keep }: Step): Promise<void> {
    const { naive, branches, ids } = this;
    const seqs = naive.seqs();
    const seq = seqs[pick % seqs.length] ?? 0;
    const id = seq === 0 ? null : ids[seq]!;
    switch (kind) {
      case 'append':
      case 'new root': {
        const parent = kind === 'append' ? seq : 0;
        await branches.append(this.newIds(count), parent ? id : null);
        return naive.append(count, parent);
      }
      case 'append at the leaf':
        await branches.append(this.newIds(count));
        return naive.append(count, naive.leaf);
      case 'delete':
      case 'delete with following': {
        if (id === null) return;
        const isOne = kind === 'delete';
        await branches.delete(id, isOne ? '' : '?following=true');
        return naive.delete(seq, isOne ? [seq] : naive.subtree(seq));
      }
      case 'go to':
        if (id === null) return;
        await branches.goTo(id);
        naive.leaf = naive.subtree(seq).at(-1)!;
        return;
      case 'replace': {
        const path = naive.path(naive.leaf);
        const after = path[pick % (path.length + 1)] ?? 0;
        const afterId = after === 0 ? null : ids[after]!;
        await branches.replace(afterId, this.newIds(count - 1), keep);
        naive.replace({ after, count: count - 1, keep });
        return;
      }
      case 'edit':
        if (id !== null) await branches.edit(id, { content: `${id}, edited` });
        return;
      case 'clear':
        await api.send('POST', `/api/chat-sessions/${this.sessionId}/clear`);
        return naive.clear();
    }
  }

  /** All that the service says of the session. */
  async actual() {
    const session = await getSession(api, this.sessionId);
    const { body } = await api.send<{ messages: Message[] }>(
      'GET',
      `/api/chat-sessions/${this.sessionId}/messages?limit=200&tree=true`,
    );
    return {
      count: session.message_count,
      shown: session.messages.map(placeOf),
      all: body.messages.map(placeOf),
    };
  }

  expected() {
    const { naive, ids } = this;
    const messages = naive.messages();
    const places = new Map(
      messages.map(({ seq, parent, siblings }) => [
        seq,
        {
          seq,
          parent_id: parent === 0 ? null : ids[parent],
          siblings: siblings.length > 1 ? siblings : undefined,
        },
      ]),
    );
    const path = naive.path(naive.leaf).slice(-50);
    return {
      count: messages.length,
      shown: path.map((seq) => places.get(seq)),
      all: [...places.values()],
    };
  }

  /** New ids, which no other message has. */
  private newIds(count: number): string[] {
    const ids = Array.from({ length: count }, () => randomUUID());
    this.ids.push(...ids);
    return ids;
  }
}

function placeOf({ seq, parent_id, siblings }: Message) {
  return { seq, parent_id, siblings };
}

beforeAll(() => {
  process.stdout.write(
    `histories of branches: ${HISTORIES} with BRANCH_HISTORIES_SEED=${SEED}\n`,
  );
});

it(
  'a session equals a map of parents after each request of any history',
  { timeout: TIMEOUT_MS },
  async () => {
    const history = fc.array(step, {
      minLength: 1,
      maxLength: 25,
      size: 'max',
    });
    await fc.assert(
      fc.asyncProperty(history, async (steps) => {
        const session = new History((await createSession(api)).id);
        for (const one of steps) {
          await session.apply(one);
          expect(await session.actual()).toEqual(session.expected());
        }
      }),
      { numRuns: HISTORIES, seed: Number(SEED) },
    );
  },
);
