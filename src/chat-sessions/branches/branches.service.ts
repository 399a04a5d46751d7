import { Injectable } from '@nestjs/common';
import { COMMIT, type UnitOfWork } from '../../database/unit-of-work.js';
import { ChatSessionsError } from '../errors.js';
import { PREVIEW_CHARACTERS } from '../limits.js';
import type { UpdateChatMessageDto } from '../messages/dto/update-chat-message.dto.js';
import { type Appended, MessageInserts } from '../messages/message-inserts.js';
import {
  messageNotFound,
  MessageReads,
  type SessionWithPage,
} from '../messages/message-reads.js';
import { editedMessage, refuseEmpty } from '../messages/message-rules.js';
import { startOf } from '../messages/text.js';
import { ChatMessagesRepository } from '../store/chat-messages.repository.js';
import {
  ChatSessionsRepository,
  type SessionKey,
  type SessionState,
} from '../store/chat-sessions.repository.js';
import type { ChatSession } from '../store/entities/chat-session.entity.js';
import { type Admit, LargeReads } from '../store/large-reads.js';
import type { PlacedMessage } from '../store/placed-messages.repository.js';
import { TreesRepository } from '../store/trees.repository.js';
import { deleteFollowing, deleteOne, goTo, replace } from '../tree/changes.js';
import { isOn, pageOf, pathOf } from '../tree/path.js';
import type { Tree } from '../tree/tree.js';
import {
  SessionWrites,
  type WriteOptions,
  type Written,
} from '../writes/session-writes.js';
import type { ReplaceChatMessagesDto } from './dto/branches.dto.js';

export interface Edited extends Written {
  message: PlacedMessage;
}

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
  ) {}

  /** Changes what a message says; fields that are undefined stay. Throws EntityNotFoundError, `message_empty`, `version_moved`. */
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
          apply: (session, now) =>
            this.applyEdit(session, { messageId, changes, now }, admit),
        },
        { ifMatch },
      ),
    );
  }

  /**
   * Deletes a message: the messages that follow it then follow its parent, or
   * are deleted with it. If the session showed it last, it shows its parent
   * last. Throws EntityNotFoundError, `too_many_branches`, `version_moved`.
   */
  remove(
    key: SessionKey,
    messageId: string,
    { following = false, ifMatch }: RemoveOptions = {},
  ): Promise<Written> {
    return this.writes.run(
      key,
      {
        type: 'updated',
        apply: (session, now) =>
          this.applyRemoval(session, { messageId, following, now }),
      },
      { ifMatch },
    );
  }

  /**
   * Puts messages in place of those that follow another one on the path; these
   * stay as another branch, or are deleted. Throws EntityNotFoundError,
   * `message_empty`, `after_unknown`, `too_many_branches`, `message_id_taken`,
   * `version_moved`, `key_reused`, `key_in_use`, `messages_gone`.
   */
  replace(
    key: SessionKey,
    replacement: ReplaceChatMessagesDto,
    options?: WriteOptions,
  ): Promise<Appended> {
    return this.writes.run<Appended>(
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
          apply: (session, now) =>
            this.applyMove(session, { messageId, now }, admit),
        },
        { ifMatch },
      ),
    );
  }

  private *applyEdit(
    session: SessionState,
    { messageId, changes, now }: Edit,
    admit: Admit,
  ): UnitOfWork<Edited> {
    admit(yield* this.messages.bytesOf(session, [messageId]));
    const stored = yield* this.messageReads.get(session, messageId);
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

  private *applyRemoval(
    session: SessionState,
    { messageId, following, now }: RemovedMessage,
  ): UnitOfWork<Written> {
    const seq = yield* this.seqOf(session, messageId);
    const before = yield* this.trees.get(session);
    const remove = following ? deleteFollowing : deleteOne;
    const { tree, removed } = remove(before, seq);
    const fields = yield* this.fieldsAfter(session, before, tree);
    yield* this.sessions.update(session, fields, {
      now,
      first: this.messages.deletions(session, removed),
      last: [COMMIT],
    });
    return { session, created: false };
  }

  private *applyReplacement(
    session: SessionState,
    { after_id: afterId, messages: inputs, keep }: ReplaceChatMessagesDto,
    now: Date,
  ): UnitOfWork<Appended> {
    const before = yield* this.trees.get(session);
    const after = yield* this.seqOnPath(session, before, afterId);
    const count = inputs.length;
    const { tree, removed } = replace(before, { after, count, keep });
    const removals = this.messages.deletions(session, removed);
    if (count === 0) {
      const fields = yield* this.fieldsAfter(session, before, tree);
      const changes = { now, first: removals, last: [COMMIT] };
      yield* this.sessions.update(session, fields, changes);
      return { session, messages: [], created: true };
    }
    const columns = this.trees.columnsOf(tree);
    const placement = { parentId: afterId, columns, tree, removals };
    return yield* this.inserts.insert(session, inputs, placement, now);
  }

  /** Undefined unless the path goes on with these messages, and no others, after the given one. */
  private *findReplaced(
    session: SessionState,
    { after_id: afterId, messages: inputs }: ReplaceChatMessagesDto,
  ): UnitOfWork<Appended | undefined> {
    const sent = { messages: inputs, parentId: afterId };
    const repeated = yield* this.inserts.findRepeated(session, sent);
    if (!repeated) return undefined;
    const tree = yield* this.trees.get(session);
    const after = yield* this.seqOnPath(session, tree, afterId);
    const query = { limit: inputs.length + 1, after };
    const { ranges } = pageOf(pathOf(tree), query);
    const [range] = ranges;
    const isWhole =
      ranges.length === 1 &&
      repeated.messages[0]!.seq === range!.from &&
      repeated.messages.at(-1)!.seq === range!.to;
    if (!isWhole) throw new ChatSessionsError('message_id_taken');
    return repeated;
  }

  private *applyMove(
    state: SessionState,
    { messageId, now }: Move,
    admit: Admit,
  ): UnitOfWork<Moved> {
    const seq = yield* this.seqOf(state, messageId);
    const before = yield* this.trees.get(state);
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
    const columns = this.trees.columnsOf(tree);
    const { leafSeq } = tree;
    if (leafSeq === before.leafSeq) return columns;
    const { content = null, createdAt = null } =
      (yield* this.messages.startOf(
        session,
        leafSeq,
        2 * PREVIEW_CHARACTERS,
      )) ?? {};
    return {
      ...columns,
      preview: content && startOf(content, PREVIEW_CHARACTERS),
      lastMessageAt: createdAt,
    };
  }

  private *seqOf(session: SessionState, id: string): UnitOfWork<number> {
    const seq = yield* this.messages.seqOf(session, id);
    if (seq === undefined) throw messageNotFound(session, id);
    return seq;
  }

  /** The seq of a message of the path; 0 for null. */
  private *seqOnPath(
    session: SessionState,
    tree: Tree,
    id: string | null,
  ): UnitOfWork<number> {
    if (id === null) return 0;
    const seq = yield* this.messages.seqOf(session, id);
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

interface Edit extends Move {
  changes: UpdateChatMessageDto;
}

interface RemovedMessage extends Move {
  following: boolean;
}
