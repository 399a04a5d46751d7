import { beforeAll, describe, expect, it } from 'vitest';
import { ChatSessionsClient } from '../../src/client/index.js';
import { collect } from '../support/collect.js';
import { errorOf } from '../support/scripted-client.js';
import { useTestApp } from '../support/test-app.js';
import { JWT_MODE, signToken } from '../support/tokens.js';

const api = useTestApp({ environment: JWT_MODE });
let alice: ChatSessionsClient;

beforeAll(async () => {
  alice = new ChatSessionsClient({
    baseUrl: await api.listen(),
    token: () => signToken({ sub: 'alice' }),
  });
});

const hello = { role: 'user', content: 'Hello 🧾' } as const;

describe('ChatSessionsClient', () => {
  it('edits, answers again, goes back, replaces and deletes', async () => {
    const { chat_session } = await alice.create({ messages: [hello] });
    const { id } = chat_session;
    const shown = async () => {
      const messages = await collect(alice.messages(id));
      return messages.map(({ content }) => content);
    };
    const answer = (content: string) =>
      ({ role: 'assistant', content }) as const;
    const [question] = chat_session.messages;
    const { message: first } = await alice.append(id, answer('one'));
    const again = await alice.regenerate(id, question!.id, answer('two'));
    expect(again.message).toMatchObject({
      parent_id: question!.id,
      siblings: [2, 3],
    });
    const edited = await alice.edit(id, question!, { ...hello, content: 'Hi' });
    expect(edited.message.siblings).toEqual([1, 4]);
    expect(await shown()).toEqual(['Hi']);
    const back = await alice.goTo(id, first.id, { ifMatch: edited.etag });
    expect(back.chat_session.messages).toHaveLength(2);
    expect(await shown()).toEqual([hello.content, 'one']);
    expect(
      await collect(alice.messages(id, { leaf: edited.message.id })),
    ).toEqual([edited.message]);
    const tree = await collect(alice.tree(id, { limit: 2 }));
    expect(tree.map(({ seq }) => seq)).toEqual([1, 2, 3, 4]);

    const changed = await alice.updateMessage(id, first.id, {
      content: 'one more',
    });
    expect(changed.message.edited_at).not.toBeNull();
    const replaced = await alice.replace(
      id,
      { after_id: question!.id, messages: [answer('three')], keep: false },
      { ifMatch: changed.etag },
    );
    expect(replaced.messages).toMatchObject([{ seq: 5, siblings: [3, 5] }]);
    await alice.deleteMessage(id, edited.message.id);
    await alice.deleteMessage(id, again.message.id, { following: true });
    expect(await shown()).toEqual([hello.content, 'three']);
    expect(await collect(alice.tree(id))).toHaveLength(2);
    const late = alice.deleteMessage(id, question!.id, { ifMatch: back.etag });
    expect(await errorOf(late)).toMatchObject({ code: 'version_moved' });
  });

  it('appends several below a message', async () => {
    const { chat_session } = await alice.create({ messages: [hello] });
    const [root] = chat_session.messages;
    const options = { parentId: null };
    const { messages } = await alice.append(
      chat_session.id,
      [hello, hello],
      options,
    );
    expect(messages).toMatchObject([
      { parent_id: null, siblings: [root!.seq, 2] },
      { parent_id: messages[0]!.id },
    ]);
  });

  it('forks a session', async () => {
    const { chat_session: source, etag } = await alice.create({
      messages: [hello, hello],
    });
    const [first] = source.messages;
    const { chat_session: fork, etag: forkEtag } = await alice.fork(
      source.id,
      { message_id: first!.id },
      { ifMatch: etag },
    );
    expect(fork.messages).toEqual([first]);
    expect(fork.forked_from).toEqual({
      session_id: source.id,
      message_id: first!.id,
    });
    expect((await alice.get(fork.id)).etag).toBe(forkEtag);
    const whole = await alice.fork(source.id, {}, { idempotencyKey: 'whole' });
    const again = await alice.fork(source.id, {}, { idempotencyKey: 'whole' });
    expect(whole.chat_session.message_count).toBe(2);
    expect(again).toEqual(whole);
  });
});
