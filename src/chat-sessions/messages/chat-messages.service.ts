import { Injectable } from '@nestjs/common';
import type { UnitOfWork } from '../../database/unit-of-work.js';
import { ChatSessionsError } from '../errors.js';
import { Purger } from '../removal/purger.js';
import { Removal, type Removed } from '../removal/removal.js';
import { ChatMessagesRepository } from '../store/chat-messages.repository.js';
import {
  ChatSessionsRepository,
  type SessionKey,
} from '../store/chat-sessions.repository.js';
import { type Admit, LargeReads } from '../store/large-reads.js';
import type { PlacedMessage } from '../store/placed-messages.repository.js';
import { arrivalsOf, pathOf, type PathPageQuery } from '../tree/path.js';
import { has, type Tree } from '../tree/tree.js';
import type { IdempotencyKey } from '../writes/idempotency/idempotency-key.entity.js';
import {
  SessionWrites,
  type WriteOptions,
  type Written,
} from '../writes/session-writes.js';
import {
  type Appended,
  MessageInserts,
  type NewMessages,
} from './message-inserts.js';
import { MessageReads, type SessionWithPage } from './message-reads.js';
import { refuseEmpty } from './message-rules.js';

/** A request for a page of messages. Cursors are seqs. */
export interface MessagesQuery extends PathPageQuery {
  /** The id of the message with which the path ends: by default the session's leaf. */
  leaf?: string;
  /** The messages of all branches, in order of arrival. */
  tree?: boolean;
}

@Injectable()
export class ChatMessagesService {
  constructor(
    private readonly reads: LargeReads,
    private readonly sessions: ChatSessionsRepository,
    private readonly messages: ChatMessagesRepository,
    private readonly messageReads: MessageReads,
    private readonly inserts: MessageInserts,
    private readonly writes: SessionWrites,
    private readonly removal: Removal,
    private readonly purger: Purger,
  ) {}

  /**
   * Appends 1 to 100 messages, all or none. The cost does not depend on the
   * length of the conversation.
   *
   * @param parentId the message that the first one follows: by default the last
   * one that the session shows; null begins a branch of its own
   * @throws EntityNotFoundError, `message_empty`, `parent_unknown`,
   * `too_many_branches`, `message_id_taken`, `version_moved`, `key_reused`,
   * `key_in_use`, `messages_gone`
   */
  append(
    key: SessionKey,
    added: NewMessages,
    options?: WriteOptions,
  ): Promise<Appended> {
    return this.writes.run<Appended>(
      key,
      {
        type: 'appended',
        validate: () => refuseEmpty(added.messages),
        apply: (session, now) => this.inserts.append(session, added, now),
        findRepeated: (session) => this.inserts.findRepeated(session, added),
        replay: (record) => this.inserts.findInserted(record),
      },
      options,
    );
  }

  /**
   * Deletes the messages and keeps the session. Throws EntityNotFoundError,
   * `version_moved`, `key_reused`, `key_in_use`.
   */
  async clear(key: SessionKey, options?: WriteOptions): Promise<Written> {
    const cleared = await this.writes.run<Removed>(
      key,
      {
        type: 'cleared',
        apply: (session, now) => this.removal.clear(session, now),
        replay: (record) => this.findCleared(record),
      },
      options,
    );
    if (cleared.isPurgeNeeded) this.purger.wake();
    return cleared;
  }

  /** Throws EntityNotFoundError, `leaf_unknown`. */
  page(key: SessionKey, query: MessagesQuery): Promise<SessionWithPage> {
    return this.reads.read((admit) => this.readPage(key, query, admit));
  }

  /** Throws EntityNotFoundError. */
  get(key: SessionKey, messageId: string): Promise<PlacedMessage> {
    return this.reads.read((admit) => this.read(key, messageId, admit));
  }

  private *readPage(
    { ownerId, id }: SessionKey,
    { leaf, tree, ...query }: MessagesQuery,
    admit: Admit,
  ): UnitOfWork<SessionWithPage> {
    const session = yield* this.sessions.get(ownerId, id);
    if (tree) {
      const all = { ...query, path: arrivalsOf };
      return yield* this.messageReads.page(session, all, admit);
    }
    if (leaf === undefined) {
      return yield* this.messageReads.page(session, query, admit);
    }
    const seq = yield* this.messages.seqOf(session, leaf);
    const path = (one: Tree) => {
      if (seq === undefined || !has(one, seq)) {
        throw new ChatSessionsError('leaf_unknown');
      }
      return pathOf(one, seq);
    };
    return yield* this.messageReads.page(session, { ...query, path }, admit);
  }

  private *read(
    { ownerId, id }: SessionKey,
    messageId: string,
    admit: Admit,
  ): UnitOfWork<PlacedMessage> {
    // Every read goes through its session, which decides whether it can be seen.
    const session = yield* this.sessions.state(ownerId, id);
    admit(yield* this.messages.bytesOf(session, [messageId]));
    return yield* this.messageReads.get(session, messageId);
  }

  private *findCleared({
    ownerId,
    sessionId,
  }: IdempotencyKey): UnitOfWork<Removed> {
    const session = yield* this.sessions.get(ownerId, sessionId);
    return { session, created: false, isPurgeNeeded: false };
  }
}
