import { beforeEach, describe, expect, it } from 'vitest';
import {
  getPage,
  getSession,
  type Message,
  numbers,
  sendFork,
} from '../support/api.js';
import type { Branches } from '../support/branches.js';
import { comb, FORKS } from '../support/large-trees.js';
import { inParallel } from '../support/parallel.js';
import { storedLine, storedTree } from '../support/stored-line.js';
import { useTestApp } from '../support/test-app.js';

const api = useTestApp();

let id: string;
let branches: Branches;

async function message(messageId: string): Promise<Message> {
  const path = `/api/chat-sessions/${id}/messages/${messageId}`;
  const { body } = await api.send<{ message: Message }>('GET', path);
  return body.message;
}

const idsOf = (messages: Message[]) => messages.map((one) => one.id);
const named = (from: number, to: number) =>
  numbers(from, to).map((n) => `m${n}`);

describe('5,000 siblings of one message', () => {
  const CHILDREN = 5_000;

  beforeEach(async () => {
    const stretches = [
      { from: 1, to: 1, parent: 0 },
      ...numbers(2, CHILDREN + 1).map((seq) => ({
        from: seq,
        to: seq,
        parent: 1,
      })),
    ];
    const tree = { firstSeq: 1, lastSeq: CHILDREN + 1, leafSeq: 2, stretches };
    ({ id, branches } = await storedTree(api, tree));
  });

  it('are each shown with the nearest 100', async () => {
    expect(await branches.ids()).toEqual(['m1', 'm2']);
    expect((await message('m2')).siblings).toEqual(numbers(2, 101));
    expect((await message('m2500')).siblings).toEqual(numbers(2450, 2549));
    expect((await message('m5001')).siblings).toEqual(numbers(4902, 5001));
    const moved = await branches.goTo('m2500');
    expect(moved.body.chat_session.message_count).toBe(CHILDREN + 1);
    expect(await branches.ids()).toEqual(['m1', 'm2500']);
    expect(await branches.ids('leaf=m4000')).toEqual(['m1', 'm4000']);
  });

  it('are all in the pages of the tree', async () => {
    const seen: string[] = [];
    for (let after = 0; ; after = seen.length) {
      const query = `tree=true&limit=200&after=${after}`;
      const { messages, has_after } = await getPage(api, id, query);
      seen.push(...idsOf(messages));
      const [first] = messages;
      expect(first!.parent_id).toBe(first!.seq === 1 ? null : 'm1');
      if (!has_after) break;
    }
    expect(seen).toEqual(named(1, CHILDREN + 1));
  });

  it('get further ones, of many clients at once, and lose some', async () => {
    const appended = await inParallel(20, (n) =>
      branches.append([`new${n}`], 'm1'),
    );
    expect(appended.map(({ status }) => status)).toEqual(
      Array.from({ length: 20 }, () => 201),
    );
    const seqs = appended.map(({ body }) => body.messages[0]!.seq);
    expect(seqs.toSorted((a, b) => a - b)).toEqual(numbers(5002, 5021));
    expect((await branches.delete('m2500')).status).toBe(204);
    const deleted = await branches.delete('m2501', '?following=true');
    expect(deleted.status).toBe(204);
    expect((await message('m2502')).siblings).toEqual([
      ...numbers(2450, 2499),
      ...numbers(2502, 2551),
    ]);
    expect((await getSession(api, id)).message_count).toBe(CHILDREN + 19);
  });
});

describe('a line of 100,000 messages', () => {
  const LENGTH = 100_000;

  beforeEach(async () => {
    ({ id, branches } = await storedLine(api, LENGTH));
  });

  it('is read from both ends and in between', async () => {
    const latest = await getPage(api, id, 'limit=3');
    expect(idsOf(latest.messages)).toEqual(named(99_998, 100_000));
    const middle = await getPage(api, id, 'limit=5&around=50000');
    expect(middle.messages).toMatchObject(
      numbers(49_998, 50_002).map((n) => ({
        id: `m${n}`,
        seq: n,
        parent_id: `m${n - 1}`,
      })),
    );
    const first = await getPage(api, id, 'limit=2&before=3');
    expect(first.messages).toMatchObject([
      { id: 'm1', parent_id: null },
      { id: 'm2', parent_id: 'm1' },
    ]);
    expect(await branches.ids('leaf=m4')).toEqual(named(1, 4));
  });

  it('becomes a tree anywhere', async () => {
    const { body } = await branches.append(['other'], 'm50000');
    expect(body.messages).toMatchObject([
      { seq: 100_001, parent_id: 'm50000', siblings: [50_001, 100_001] },
    ]);
    const page = await getPage(api, id, 'limit=3');
    expect(idsOf(page.messages)).toEqual(['m49999', 'm50000', 'other']);
    expect((await branches.goTo('m100000')).status).toBe(200);
    expect((await branches.delete('m60000')).status).toBe(204);
    expect(await message('m60001')).toMatchObject({ parent_id: 'm59999' });
    const replaced = await branches.replace('m99990', ['new'], false);
    expect(replaced.body.messages).toMatchObject([{ parent_id: 'm99990' }]);
    const { messages } = await getPage(api, id, 'limit=3');
    expect(idsOf(messages)).toEqual(['m99989', 'm99990', 'new']);
    const { message_count } = await getSession(api, id);
    expect(message_count).toBe(100_001 - 1 - 10 + 1);
    const gone = await branches.delete('m2', '?following=true');
    expect(gone.status).toBe(204);
    expect(await branches.ids()).toEqual(['m1']);
    expect(await getSession(api, id)).toMatchObject({ message_count: 1 });
  });
});

describe('a comb of 10,000 forks', () => {
  /** The seqs of the path: 1, 3, 5 ... and the last one, an answer to the last of these. */
  const PATH = [...numbers(0, FORKS - 1).map((n) => 2 * n + 1), 2 * FORKS];
  const LAST = 2 * FORKS - 1;

  beforeEach(async () => {
    ({ id, branches } = await storedTree(api, comb));
  });

  async function expectPage(query: string, seqs: number[]): Promise<void> {
    const { messages } = await getPage(api, id, query);
    const first = PATH.indexOf(seqs[0]!);
    expect(messages).toMatchObject(
      seqs.map((seq, index) => ({
        id: `m${seq}`,
        seq,
        parent_id: first + index ? `m${PATH[first + index - 1]}` : null,
      })),
    );
    expect(messages).toHaveLength(seqs.length);
  }

  it('is read from both ends and in between', async () => {
    await expectPage('limit=200', PATH.slice(-200));
    await expectPage('limit=200&after=0', PATH.slice(0, 200));
    await expectPage('limit=200&before=9999', PATH.slice(4_799, 4_999));
    await expectPage('limit=3&around=10001', [9_999, 10_001, 10_003]);
    expect((await message('m10002')).siblings).toEqual([10_002, 10_003]);
    const ofLeaf = await getPage(api, id, 'limit=2&leaf=m10002');
    expect(idsOf(ofLeaf.messages)).toEqual(['m10001', 'm10002']);
    const all = await getPage(api, id, 'tree=true&limit=3&around=10001');
    expect(all.messages).toMatchObject([
      { id: 'm10000', parent_id: 'm9999' },
      { id: 'm10001', parent_id: 'm9999' },
      { id: 'm10002', parent_id: 'm10001' },
    ]);
  });

  it('goes on where it has no further branch, and nowhere else', async () => {
    const refused = await branches.append(['other'], 'm1');
    expect(refused.status).toBe(409);
    expect(refused.body).toMatchObject({ code: 'too_many_branches' });
    expect((await branches.append(['new'])).body.messages).toMatchObject([
      { seq: LAST + 2, parent_id: `m${LAST + 1}` },
    ]);
    expect((await branches.goTo('m2')).status).toBe(200);
    expect(await branches.ids()).toEqual(['m1', 'm2']);
    expect((await branches.goTo('m1')).status).toBe(200);
    expect((await branches.ids('before=60000')).at(-1)).toBe('new');
  });

  it('loses what follows a message', async () => {
    const replaced = await branches.replace('m10001', ['new'], false);
    expect(replaced.body.messages).toMatchObject([
      { seq: LAST + 2, parent_id: 'm10001', siblings: [10_002, LAST + 2] },
    ]);
    const { message_count } = await getSession(api, id);
    expect(message_count).toBe(10_003);
    const deleted = await branches.delete('m3', '?following=true');
    expect(deleted.status).toBe(204);
    expect(await branches.ids('tree=true')).toEqual(['m1', 'm2']);
  });

  it('has a path that is forked as a line', async () => {
    const { status, body } = await sendFork(api, id);
    expect(status).toBe(201);
    const { id: forkId, message_count } = body.chat_session;
    expect(message_count).toBe(PATH.length);
    for (const [query, from] of [
      ['after=0', 0],
      ['after=5000', 5_000],
      ['', PATH.length - 200],
    ] as const) {
      const page = await getPage(api, forkId, `limit=200&${query}`);
      const expected = PATH.slice(from, from + 200).map((seq) => `m${seq}`);
      expect(idsOf(page.messages)).toEqual(expected);
    }
  });
});
