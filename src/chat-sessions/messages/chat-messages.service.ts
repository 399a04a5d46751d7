import { Injectable } from '@nestjs/common';
import { COMMIT, type UnitOfWork } from '../../database/unit-of-work.js';
import { RunEndings } from '../answers/run-endings.js';
import { PREVIEW_CHARACTERS } from '../limits.js';
import { Purger } from '../removal/purger.js';
import { Removal, type Removed } from '../removal/removal.js';
import { ChatMessagesRepository } from '../store/chat-messages.repository.js';
import {
  ChatSessionsRepository,
  type SessionKey,
  type SessionState,
} from '../store/chat-sessions.repository.js';
import { type Admit, LargeReads } from '../store/large-reads.js';
import type { PlacedMessage } from '../store/placed-messages.repository.js';
import { TreesRepository } from '../store/trees.repository.js';
import { startOf } from '../text/text.js';
import type { IdempotencyKey } from '../writes/idempotency/idempotency-key.entity.js';
import { RunExpiry } from '../writes/run-expiry.js';
import {
  SessionWrites,
  type WriteOptions,
  type Written,
} from '../writes/session-writes.js';
import type { UpdateChatMessageDto } from './dto/update-chat-message.dto.js';
import {
  type Appended,
  MessageInserts,
  type NewMessages,
} from './message-inserts.js';
import {
  MessageReads,
  type MessagesQuery,
  type SessionWithPage,
} from './message-reads.js';
import { editedMessage, refuseEmpty } from './message-rules.js';

export interface Edited extends Written {
  message: PlacedMessage;
}

@Injectable()
export class ChatMessagesService {
  constructor(
    private readonly reads: LargeReads,
    private readonly sessions: ChatSessionsRepository,
    private readonly messages: ChatMessagesRepository,
    private readonly trees: TreesRepository,
    private readonly messageReads: MessageReads,
    private readonly inserts: MessageInserts,
    private readonly writes: SessionWrites,
    private readonly removal: Removal,
    private readonly purger: Purger,
    private readonly runs: RunEndings,
    private readonly expiry: RunExpiry,
  ) {}

  /**
   * Appends 1 to 100 messages, all or none. The cost does not depend on the
   * length of the conversation. Throws EntityNotFoundError, `message_empty`,
   * `parent_unknown`, `too_many_branches`, `message_id_taken`, `version_moved`,
   * `key_reused`, `key_in_use`, `messages_gone`.
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

  /** Changes what a message says; fields that are undefined stay. Throws EntityNotFoundError, `message_empty`, `run_active` if it is being written, `version_moved`. */
  edit(
    key: SessionKey,
    messageId: string,
    changes: UpdateChatMessageDto,
    { ifMatch }: Pick<WriteOptions, 'ifMatch'> = {},
  ): Promise<Edited> {
    return this.reads.write((admit) =>
      this.writes.run<Edited>(
        key,
        {
          type: 'updated',
          isAllowedDuringRun: true,
          apply: (session, now) =>
            this.applyEdit(session, { messageId, changes, now }, admit),
        },
        { ifMatch },
      ),
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
  async page(key: SessionKey, query: MessagesQuery): Promise<SessionWithPage> {
    const page = await this.reads.read((admit) =>
      this.readPage(key, query, admit),
    );
    this.expiry.settle(key, page.run);
    return page;
  }

  /** Throws EntityNotFoundError. */
  get(key: SessionKey, messageId: string): Promise<PlacedMessage> {
    return this.reads.read((admit) => this.read(key, messageId, admit));
  }

  private *applyEdit(
    session: SessionState,
    { messageId, changes, now: time }: Edit,
    admit: Admit,
  ): UnitOfWork<Edited> {
    admit(yield* this.messages.bytesOf(session, [messageId]));
    let stored = yield* this.messageReads.get(session, messageId, admit);
    if (stored.seq === session.activeRunSeq) {
      yield* this.runs.endExpired(session, time);
      stored = yield* this.messageReads.get(session, messageId, admit);
    }
    const isSame = Object.values(changes).every((value) => value === undefined);
    if (isSame) return { session, message: stored, created: false };
    // Later than all changes before it, which tells readers that it was made.
    const earliest = session.updatedAt.getTime() + 1;
    const now = new Date(Math.max(time.getTime(), earliest));
    const message = editedMessage(stored, changes, now);
    const { leafSeq } = yield* this.trees.get(session);
    const fields = {
      maxMessageBytes: Math.max(session.maxMessageBytes, message.bytes),
      ...(message.seq === leafSeq && {
        preview: startOf(message.content, PREVIEW_CHARACTERS),
      }),
    };
    const first = [this.messages.change(message)];
    yield* this.sessions.update(session, fields, {
      now,
      first,
      last: [COMMIT],
    });
    return { session, message, created: false };
  }

  private *readPage(
    { ownerId, id }: SessionKey,
    query: MessagesQuery,
    admit: Admit,
  ): UnitOfWork<SessionWithPage> {
    const session = yield* this.sessions.get(ownerId, id);
    return yield* this.messageReads.page(session, query, admit);
  }

  private *read(
    { ownerId, id }: SessionKey,
    messageId: string,
    admit: Admit,
  ): UnitOfWork<PlacedMessage> {
    // Every read goes through its session, which decides whether it can be seen.
    const session = yield* this.sessions.state(ownerId, id);
    admit(yield* this.messages.bytesOf(session, [messageId]));
    return yield* this.messageReads.get(session, messageId, admit);
  }

  private *findCleared({
    ownerId,
    sessionId,
  }: IdempotencyKey): UnitOfWork<Removed> {
    const session = yield* this.sessions.get(ownerId, sessionId);
    return { session, created: false, isPurgeNeeded: false };
  }
}

interface Edit {
  messageId: string;
  changes: UpdateChatMessageDto;
  now: Date;
}
