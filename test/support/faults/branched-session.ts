import { randomInt, randomUUID } from 'node:crypto';
import {
  ChatSessionsApiError,
  type ChatSessionsClient,
} from '../../../src/client/index.js';
import type { Message } from '../api.js';
import { collect } from '../collect.js';
import { NaiveTree } from '../naive-tree.js';

/** A longer session is cleared, so that the runs stay short. */
const MOST_MESSAGES = 100;
/** More are not made: each is compared afterwards. */
const MOST_FORKS = 20;
/** Most messages of one change. */
const BATCH = 3;

type Changes = Record<string, (session: BranchedSession) => Promise<void>>;

/** A client picks one of them each time. Each is sent, and then made in the model. */
const CHANGES: Changes = {
  append: (session) => session.append(),
  'append anywhere': (session) => session.appendAnywhere(),
  edit: (session) => session.edit(),
  delete: (session) => session.delete(false),
  'delete with following': (session) => session.delete(true),
  'replace and keep': (session) => session.replace(true),
  'replace and delete': (session) => session.replace(false),
  'go to': (session) => session.goTo(),
  fork: (session) => session.fork(),
};

export interface Differences {
  /** Messages that are missing, or miss their last edit. */
  lost: number;
  /** Messages that are stored twice, or still there after they were deleted, and forks that were made twice. */
  doubled: number;
  /** Whether the tree, the path or a fork differs, beyond these messages. */
  isHalf: boolean;
  /** Whether the count of messages is wrong. */
  hasGap: boolean;
}

/**
 * A session with branches, and a model of it: all changes that the service has
 * acknowledged. Only one client changes it, one change at a time, so the model
 * is exact.
 */
export class BranchedSession {
  private readonly tree = new NaiveTree();
  /** The ids of the messages by seq. */
  private readonly ids = [''];
  /** The contents of the messages by id. */
  private readonly contents = new Map<string, string>();
  /** The ids and contents of the messages of each fork, by its id. */
  private readonly forks = new Map<string, [id: string, content: string][]>();

  constructor(
    private readonly client: ChatSessionsClient,
    private readonly id: string,
  ) {}

  /** Makes one change, chosen at random. Resolves once the service has acknowledged it. */
  async change(): Promise<void> {
    const { length } = this.tree.seqs();
    if (length === 0) return this.append();
    if (length > MOST_MESSAGES) return this.clear();
    await pick(Object.values(CHANGES))(this);
  }

  async append(): Promise<void> {
    const sent = newMessages(randomInt(1, BATCH + 1));
    const { messages } = await this.client.append(this.id, sent);
    this.tree.append(sent.length, this.tree.leaf);
    this.learn(messages);
  }

  async appendAnywhere(): Promise<void> {
    const parent = pick([0, ...this.tree.seqs()]);
    const sent = newMessages(randomInt(1, BATCH + 1));
    const parentId = this.idOf(parent);
    const { messages } = await this.client.append(this.id, sent, { parentId });
    this.tree.append(sent.length, parent);
    this.learn(messages);
  }

  async edit(): Promise<void> {
    const id = this.ids[pick(this.tree.seqs())]!;
    const content = `edited ${randomUUID()}`;
    await this.once((ifMatch) =>
      this.client.updateMessage(this.id, id, { content }, { ifMatch }),
    );
    this.contents.set(id, content);
  }

  async delete(following: boolean): Promise<void> {
    const seq = pick(this.tree.seqs());
    const id = this.ids[seq]!;
    await this.once((ifMatch) =>
      this.client.deleteMessage(this.id, id, { following, ifMatch }),
    );
    this.tree.delete(seq, following ? this.tree.subtree(seq) : [seq]);
  }

  async replace(keep: boolean): Promise<void> {
    const after = pick([0, ...this.tree.path(this.tree.leaf)]);
    const count = randomInt(0, BATCH + 1);
    const { messages } = await this.client.replace(this.id, {
      after_id: this.idOf(after),
      messages: newMessages(count),
      keep,
    });
    this.tree.replace({ after, count, keep });
    this.learn(messages);
  }

  async goTo(): Promise<void> {
    const seq = pick(this.tree.seqs());
    const id = this.ids[seq]!;
    await this.once((ifMatch) => this.client.goTo(this.id, id, { ifMatch }));
    this.tree.leaf = this.tree.subtree(seq).at(-1)!;
  }

  /** Forks do not change any more. */
  async fork(): Promise<void> {
    if (this.forks.size === MOST_FORKS) return this.append();
    const path = this.tree.path(this.tree.leaf).map((seq) => this.ids[seq]!);
    const { chat_session: fork } = await this.client.fork(this.id);
    const messages = path.map((id): [string, string] => [
      id,
      this.contents.get(id)!,
    ]);
    this.forks.set(fork.id, messages);
  }

  async clear(): Promise<void> {
    await this.client.clear(this.id);
    this.tree.clear();
  }

  /** Reads the whole session, and compares it with the model. */
  async differences(): Promise<Differences> {
    const { chat_session: session } = (await this.client.get(this.id, {
      messages: 0,
    }))!;
    const all = await collect(this.client.tree(this.id, PAGES));
    const shown = await collect(this.client.messages(this.id, PAGES));
    const expected = new Map(
      this.tree.messages().map((one) => [this.ids[one.seq]!, one]),
    );
    const stored = new Map(all.map((one) => [one.id, one]));
    const path = this.tree.path(this.tree.leaf).map((seq) => this.ids[seq]);
    const isRight = all.every((message) => {
      const { seq, parent } = expected.get(message.id) ?? {};
      return seq === message.seq && this.idOf(parent!) === message.parent_id;
    });
    const isShown =
      shown.length === path.length &&
      shown.every(
        ({ id, parent_id }, index) =>
          id === path[index] && parent_id === (path[index - 1] ?? null),
      );
    const forks = await collect(this.client.sessions({ limit: 100 }));
    const ofThis = forks.filter(
      (one) => one.forked_from?.session_id === this.id,
    );
    const isForked = await this.hasWholeForks();
    return {
      lost: [...expected.keys()].filter(
        (id) => stored.get(id)?.content !== this.contents.get(id),
      ).length,
      doubled:
        all.length -
        [...expected.keys()].filter((id) => stored.has(id)).length +
        Math.max(ofThis.length - this.forks.size, 0),
      isHalf: !isRight || !isShown || !isForked,
      hasGap: session.message_count !== expected.size,
    };
  }

  private async hasWholeForks(): Promise<boolean> {
    for (const [forkId, expected] of this.forks) {
      const messages = await collect(this.client.messages(forkId, PAGES));
      const found = messages.map(({ id, content }) => [id, content]);
      if (JSON.stringify(found) !== JSON.stringify(expected)) return false;
    }
    return true;
  }

  /**
   * Sends a change with the session's ETag. A 412, or a 404, after a lost
   * response says that this very change was made: nobody else changes the session.
   */
  private async once(
    send: (ifMatch: string) => Promise<unknown>,
  ): Promise<void> {
    const { etag } = (await this.client.get(this.id, { messages: 0 }))!;
    try {
      await send(etag);
    } catch (error) {
      const isDone =
        error instanceof ChatSessionsApiError &&
        error.mayBeDone &&
        (error.status === 412 || error.status === 404);
      if (!isDone) throw error;
    }
  }

  private learn(messages: Pick<Message, 'id' | 'content'>[]): void {
    for (const { id, content } of messages) {
      this.ids.push(id);
      this.contents.set(id, content);
    }
  }

  private idOf(seq: number): string | null {
    return seq === 0 ? null : this.ids[seq]!;
  }
}

const PAGES = { limit: 200 };

function newMessages(count: number) {
  return Array.from({ length: count }, () => ({
    id: randomUUID(),
    role: 'user' as const,
    content: randomUUID(),
  }));
}

function pick<T>(from: T[]): T {
  return from[randomInt(from.length)]!;
}
