import { beforeEach, describe, expect, it } from 'vitest';
import { ChatSession } from '../../src/chat-sessions/store/entities/chat-session.entity.js';
import { TreesRepository } from '../../src/chat-sessions/store/trees.repository.js';
import { getPage, getSession, type Message, numbers } from '../support/api.js';
import type { Branches } from '../support/branches.js';
import { longSession } from '../support/long-session.js';
import { inParallel } from '../support/parallel.js';
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
    ({ id, branches } = await longSession(api, CHILDREN + 1));
    const stretches = [
      { from: 1, to: 1, parent: 0 },
      ...numbers(2, CHILDREN + 1).map((seq) => ({
        from: seq,
        to: seq,
        parent: 1,
      })),
    ];
    const tree = { firstSeq: 1, lastSeq: CHILDREN + 1, leafSeq: 2, stretches };
    await api.dataSource
      .getRepository(ChatSession)
      .update({ id }, api.app.get(TreesRepository).columnsOf({ id }, tree));
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
    ({ id, branches } = await longSession(api, LENGTH));
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
