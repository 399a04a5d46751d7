import { beforeEach, describe, expect, it } from 'vitest';
import { ChatSession } from '../../src/chat-sessions/store/entities/chat-session.entity.js';
import { TreesRepository } from '../../src/chat-sessions/store/trees.repository.js';
import { createSession, type Message } from '../support/api.js';
import { Branches } from '../support/branches.js';
import { useTestApp } from '../support/test-app.js';

const api = useTestApp();

let id: string;
let branches: Branches;

beforeEach(async () => {
  ({ id } = await createSession(api));
  branches = new Branches(api, id);
  await branches.append(['a']);
});

/** Gives the first message this many children, of which no row exists. */
async function branchOut(children: number): Promise<void> {
  const stretches = Array.from({ length: children }, (_, index) => ({
    from: index + 2,
    to: index + 2,
    parent: 1,
  }));
  const tree = {
    firstSeq: 1,
    lastSeq: children + 1,
    leafSeq: 1,
    stretches: [{ from: 1, to: 1, parent: 0 }, ...stretches],
  };
  const columns = api.app.get(TreesRepository).columnsOf({ id }, tree);
  await api.dataSource.getRepository(ChatSession).update({ id }, columns);
}

describe('a session with 10,000 stretches', () => {
  beforeEach(() => branchOut(9_998));

  it('takes no further branch, and says so', async () => {
    const last = await branches.append(['b'], 'a');
    expect(last.status).toBe(201);
    const refused = await branches.append(['c'], 'a');
    expect(refused.status).toBe(409);
    expect(refused.body).toMatchObject({ code: 'too_many_branches' });
    const replaced = await branches.replace('a', ['c']);
    expect(replaced.status).toBe(409);
    expect(replaced.body).toEqual(refused.body);
    // An append that needs no further stretch is taken, and a repeated request is known.
    expect((await branches.append(['c'])).status).toBe(201);
    const again = await branches.append(['b'], 'a');
    expect([again.status, again.body]).toEqual([200, last.body]);
    expect(await branches.ids()).toEqual(['a', 'b', 'c']);
  });

  it('names the nearest 100 siblings', async () => {
    const { body } = await branches.append(['b'], 'a');
    const [message] = body.messages;
    expect(message!.siblings).toHaveLength(100);
    expect(message!.siblings!.at(-1)).toBe(message!.seq);
    const path = `/api/chat-sessions/${id}/messages/b`;
    const read = await api.send<{ message: Message }>('GET', path);
    expect(read.body.message).toEqual(message);
  });
});
