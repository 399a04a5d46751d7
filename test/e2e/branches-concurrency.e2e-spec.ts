import { describe, expect, it } from 'vitest';
import {
  createSession,
  getSession,
  type Message,
  sendFork,
} from '../support/api.js';
import { Branches } from '../support/branches.js';
import { inParallel } from '../support/parallel.js';
import { useTestApp } from '../support/test-app.js';

const api = useTestApp();

async function conversation(ids: string[]) {
  const { id } = await createSession(api);
  const branches = new Branches(api, id);
  await branches.append(ids);
  return { id, branches };
}

/** All messages, after a check that each parent exists and came before. */
async function wholeTree(id: string): Promise<Message[]> {
  const all: Message[] = [];
  for (;;) {
    const after = all.at(-1)?.seq ?? 0;
    const { body } = await api.send<{ messages: Message[] }>(
      'GET',
      `/api/chat-sessions/${id}/messages?tree=true&limit=200&after=${after}`,
    );
    if (body.messages.length === 0) break;
    all.push(...body.messages);
  }
  const seqs = new Map(all.map((one) => [one.id, one.seq]));
  for (const { seq, parent_id: parent } of all) {
    if (parent !== null) expect(seqs.get(parent)).toBeLessThan(seq);
  }
  expect((await getSession(api, id)).message_count).toBe(all.length);
  return all;
}

/** Checks that each message of a path is the child of the one before. */
function expectPath(messages: Message[]): void {
  const [first, ...others] = messages;
  expect(first?.parent_id).toBeNull();
  for (const [index, { parent_id: parent }] of others.entries()) {
    expect(parent).toBe(messages[index]!.id);
  }
}

describe('at the same time', () => {
  it('appends follow each other, and say so', async () => {
    const { id, branches } = await conversation(['a']);
    const responses = await inParallel(16, (n) => branches.append([`m${n}`]));
    const all = await wholeTree(id);
    expectPath(all);
    const stored = new Map(all.map((one) => [one.id, one]));
    for (const { body } of responses) {
      const [message] = body.messages;
      expect(message).toEqual(stored.get(message!.id));
    }
  });

  it('a fork has the path as it was after one of the appends', async () => {
    const { id, branches } = await conversation(['a']);
    const forks = await inParallel(32, async (n) => {
      if (n % 2 === 0) await branches.append([`m${n}`, `n${n}`]);
      const { body } = await sendFork(api, id);
      return body.chat_session.messages.map((one) => one.id);
    });
    const path = await branches.ids();
    expect(path).toHaveLength(33);
    for (const ids of forks) {
      expect(ids.length % 2).toBe(1);
      expect(ids).toEqual(path.slice(0, ids.length));
    }
  });

  it('two edits of a question are two siblings', async () => {
    for (let round = 0; round < 10; round++) {
      const { id, branches } = await conversation(['a', 'q', 'r']);
      const [one, other] = await Promise.all([
        branches.append(['q1', 'r1'], 'a'),
        branches.replace('a', ['q2', 'r2']),
      ]);
      expect(one.status).toBe(201);
      expect(other.status).toBe(201);
      const all = await wholeTree(id);
      const siblings = all.filter(({ parent_id }) => parent_id === 'a');
      expect(siblings.map((message) => message.id).sort()).toEqual([
        'q',
        'q1',
        'q2',
      ]);
      expectPath((await getSession(api, id)).messages);
    }
  });

  it('a delete and an append below it are done in one of the two orders', async () => {
    for (let round = 0; round < 20; round++) {
      const { id, branches } = await conversation(['a', 'b', 'c']);
      const isSubtree = round % 2 === 0;
      const query = isSubtree ? '?following=true' : '';
      const [deleted, appended] = await Promise.all([
        branches.delete('b', query),
        branches.append(['d'], 'b'),
      ]);
      expect(deleted.status).toBe(204);
      expect([201, 400]).toContain(appended.status);
      const all = await wholeTree(id);
      const left = all.map((message) => message.id).join('');
      const isFirst = appended.status === 201 && !isSubtree;
      expect(left).toBe(isSubtree ? 'a' : isFirst ? 'acd' : 'ac');
    }
  });

  it('50 switches and 50 appends leave every path whole', async () => {
    const { id, branches } = await conversation(['a', 'b', 'c']);
    await branches.append(['d'], 'b');
    const isReading = { value: true };
    const reader = (async () => {
      while (isReading.value) expectPath((await getSession(api, id)).messages);
    })();
    try {
      await inParallel(100, async (n) => {
        const isSwitch = n % 2 === 0;
        const { status } = isSwitch
          ? await branches.goTo(n % 4 ? 'c' : 'd')
          : await branches.append([`m${n}`]);
        expect(status).toBe(isSwitch ? 200 : 201);
      });
    } finally {
      isReading.value = false;
      await reader;
    }
    const all = await wholeTree(id);
    expect(all).toHaveLength(54);
    for (const { id: leaf } of all) {
      const { body } = await api.send<{ messages: Message[] }>(
        'GET',
        `/api/chat-sessions/${id}/messages?limit=200&leaf=${leaf}`,
      );
      expectPath(body.messages);
      expect(body.messages.at(-1)!.id).toBe(leaf);
    }
  });
});
