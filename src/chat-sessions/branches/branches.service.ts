import { Injectable } from '@nestjs/common';
import { COMMIT, type UnitOfWork } from '../../database/unit-of-work.js';
import { ChatSessionsError } from '../errors.js';
import { type Appended, MessageInserts } from '../messages/message-inserts.js';
import {
  MessageReads,
  type SessionWithPage,
} from '../messages/message-reads.js';
import { refuseEmpty } from '../messages/message-rules.js';
import { RangePurger } from '../removal/range-purger.js';
import { Removal, type Removed } from '../removal/removal.js';
import { ChatMessagesRepository } from '../store/chat-messages.repository.js';
import {
  ChatSessionsRepository,
  type SessionKey,
  type SessionState,
} from '../store/chat-sessions.repository.js';
import type { ChatSession } from '../store/entities/chat-session.entity.js';
import { type Admit, LargeReads } from '../store/large-reads.js';
import { TreesRepository } from '../store/trees.repository.js';
import { deleteFollowing, deleteOne, goTo, replace } from '../tree/changes.js';
import { isOn, pathOf } from '../tree/path.js';
import type { Tree } from '../tree/tree.js';
import {
  SessionWrites,
  type WriteOptions,
  type Written,
} from '../writes/session-writes.js';
import type { ReplaceChatMessagesDto } from './dto/branches.dto.js';

/** Without `isPurgeNeeded` if it was done before. */
type Replaced = Appended & Partial<Removed>;

/** A session that shows another branch, with its newest messages. */
export type Moved = SessionWithPage & Written;

/** Changes of the tree of a session other than an append. */
@Injectable()
export class BranchesService {
  constructor(
    private readonly reads: LargeReads,
    private readonly sessions: ChatSessionsRepository,
    private readonly messages: ChatMessagesRepository,
    private readonly trees: TreesRepository,
    private readonly messageReads: MessageReads,
    private readonly inserts: MessageInserts,
    private readonly writes: SessionWrites,
    private readonly removal: Removal,
    private readonly purger: RangePurger,
  ) {}

  /**
   * Deletes a message: the messages that follow it then follow its parent, or
   * are deleted with it. If the session showed it last, it shows its parent
   * last. Throws EntityNotFoundError, `too_many_branches`, `version_moved`.
   */
  async remove(
    key: SessionKey,
    messageId: string,
    { following = false, ifMatch }: RemoveOptions = {},
  ): Promise<Written> {
    const removed = await this.writes.run<Removed>(
      key,
      {
        type: 'updated',
        apply: (session, now) =>
          this.applyRemoval(session, { messageId, following, now }),
      },
      { ifMatch },
    );
    if (removed.isPurgeNeeded) this.purger.wake();
    return removed;
  }

  /**
   * Puts messages in place of those that follow another one on the path; these
   * stay as another branch, or are deleted. Throws EntityNotFoundError,
   * `message_empty`, `after_unknown`, `too_many_branches`, `message_id_taken`,
   * `version_moved`, `key_reused`, `key_in_use`, `messages_gone`.
   */
  async replace(
    key: SessionKey,
    replacement: ReplaceChatMessagesDto,
    options?: WriteOptions,
  ): Promise<Appended> {
    const replaced = await this.writes.run<Replaced>(
      key,
      {
        type: 'updated',
        validate: () => refuseEmpty(replacement.messages),
        apply: (session, now) =>
          this.applyReplacement(session, replacement, now),
        findRepeated: (session) => this.findReplaced(session, replacement),
        replay: (record) => this.inserts.findInserted(record),
      },
      options,
    );
    if (replaced.isPurgeNeeded) this.purger.wake();
    return replaced;
  }

  /** Shows the branch of a message, down to its newest leaf. Throws EntityNotFoundError, `version_moved`. */
  goTo(
    key: SessionKey,
    messageId: string,
    { ifMatch }: Pick<WriteOptions, 'ifMatch'> = {},
  ): Promise<Moved> {
    return this.reads.write((admit) =>
      this.writes.run<Moved>(
        key,
        {
          type: 'updated',
          isAllowedDuringRun: true,
          apply: (session, now) =>
            this.applyMove(session, { messageId, now }, admit),
        },
        { ifMatch },
      ),
    );
  }

  private *applyRemoval(
    session: SessionState,
    { messageId, following, now }: RemovedMessage,
  ): UnitOfWork<Removed> {
    const before = yield* this.trees.get(session);
    const seq = yield* this.messageReads.seqOf(session, before, messageId);
    const remove = following ? deleteFollowing : deleteOne;
    const { tree, removed } = remove(before, seq);
    const fields = yield* this.fieldsAfter(session, before, tree);
    const { statements: first, isPurgeNeeded } = this.removal.hide(
      session,
      removed,
    );
    yield* this.sessions.update(session, fields, {
      now,
      first,
      last: [COMMIT],
    });
    return { session, created: false, isPurgeNeeded };
  }

  private *applyReplacement(
    session: SessionState,
    replacement: ReplaceChatMessagesDto,
    now: Date,
  ): UnitOfWork<Replaced> {
    const { after_id: afterId, messages: inputs, keep } = replacement;
    const before = yield* this.trees.get(session);
    const after = yield* this.seqOnPath(session, before, afterId);
    if (!keep) {
      // It would delete these very messages, and store them again.
      const shown = yield* this.findShown(session, replacement);
      if (shown) return shown;
    }
    const count = inputs.length;
    const { tree, removed } = replace(before, { after, count, keep });
    const { statements: hiding, isPurgeNeeded } = this.removal.hide(
      session,
      removed,
    );
    if (count === 0) {
      const fields = yield* this.fieldsAfter(session, before, tree);
      const changes = { now, first: hiding, last: [COMMIT] };
      yield* this.sessions.update(session, fields, changes);
      return { session, messages: [], created: true, isPurgeNeeded };
    }
    const columns = this.trees.columnsOf(session, tree);
    const placement = { parentId: afterId, columns, tree, hiding };
    const inserted = yield* this.inserts.insert(
      session,
      inputs,
      placement,
      now,
    );
    return { ...inserted, isPurgeNeeded };
  }

  /** Finds the messages of a replacement that was done. Throws `message_id_taken` if only some are stored, or if the session does not end with them. */
  private *findReplaced(
    session: SessionState,
    { after_id: parentId, messages }: ReplaceChatMessagesDto,
  ): UnitOfWork<Appended | undefined> {
    const sent = { messages, parentId };
    const repeated = yield* this.inserts.findRepeated(session, sent);
    if (!repeated) return undefined;
    const { leafSeq } = yield* this.trees.get(session);
    if (repeated.messages.at(-1)!.seq !== leafSeq) {
      throw new ChatSessionsError('message_id_taken');
    }
    return repeated;
  }

  /** Like `findReplaced`, but undefined if the session does not end with these messages. */
  private *findShown(
    session: SessionState,
    replacement: ReplaceChatMessagesDto,
  ): UnitOfWork<Appended | undefined> {
    try {
      return yield* this.findReplaced(session, replacement);
    } catch (error) {
      if (isMessageIdTaken(error)) return undefined;
      throw error;
    }
  }

  private *applyMove(
    state: SessionState,
    { messageId, now }: Move,
    admit: Admit,
  ): UnitOfWork<Moved> {
    const before = yield* this.trees.get(state);
    const seq = yield* this.messageReads.seqOf(state, before, messageId);
    const tree = goTo(before, seq);
    if (tree.leafSeq !== before.leafSeq) {
      const fields = yield* this.fieldsAfter(state, before, tree);
      yield* this.sessions.update(state, fields, { now });
    }
    const session = yield* this.sessions.get(state.ownerId, state.id);
    const view = yield* this.messageReads.newest(session, admit);
    return { ...view, created: false };
  }

  /** The fields of a session whose tree has changed. */
  private *fieldsAfter(
    session: SessionState,
    before: Tree,
    tree: Tree,
  ): UnitOfWork<Partial<ChatSession>> {
    const columns = this.trees.columnsOf(session, tree);
    if (tree.leafSeq === before.leafSeq) return columns;
    const leaf = yield* this.messageReads.leafFields(session, tree.leafSeq);
    return { ...columns, ...leaf };
  }

  /** The seq of a message of the path; 0 for null. */
  private *seqOnPath(
    session: SessionState,
    tree: Tree,
    id: string | null,
  ): UnitOfWork<number> {
    if (id === null) return 0;
    const seq = yield* this.messages.seqOf(session, tree, id);
    if (seq === undefined || !isOn(pathOf(tree), seq)) {
      throw new ChatSessionsError('after_unknown');
    }
    return seq;
  }
}

interface RemoveOptions extends Pick<WriteOptions, 'ifMatch'> {
  /** Whether all messages below it are deleted as well. */
  following?: boolean;
}

interface Move {
  messageId: string;
  now: Date;
}

interface RemovedMessage extends Move {
  following: boolean;
}

function isMessageIdTaken(error: unknown): boolean {
  return (
    error instanceof ChatSessionsError && error.code === 'message_id_taken'
  );
}
