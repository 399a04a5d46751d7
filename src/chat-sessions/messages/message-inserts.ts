import { Injectable } from '@nestjs/common';
import { isDuplicateKey } from '../../database/errors.js';
import {
  COMMIT,
  type Statement,
  type UnitOfWork,
} from '../../database/unit-of-work.js';
import { ChatSessionsError } from '../errors.js';
import { ChatMessagesRepository } from '../store/chat-messages.repository.js';
import {
  ChatSessionsRepository,
  type SessionState,
} from '../store/chat-sessions.repository.js';
import type { ChatMessage } from '../store/entities/chat-message.entity.js';
import type { ChatSession } from '../store/entities/chat-session.entity.js';
import { HiddenMessagesRepository } from '../store/hidden-messages.repository.js';
import {
  nearest,
  type PlacedMessage,
} from '../store/placed-messages.repository.js';
import { TreesRepository } from '../store/trees.repository.js';
import { append } from '../tree/changes.js';
import { linearTreeOf } from '../tree/stored-tree.js';
import { siblingsOf, type Tree } from '../tree/tree.js';
import type { IdempotencyKey } from '../writes/idempotency/idempotency-key.entity.js';
import type { Written } from '../writes/session-writes.js';
import type { CreateChatMessageDto } from './dto/create-chat-message.dto.js';
import { MessageReads } from './message-reads.js';
import {
  derivedTitle,
  fieldsWith,
  isRepeated,
  mostBytesOf,
  newMessages,
  startOfLine,
} from './message-rules.js';

/** Messages to store, each the child of the one before. */
export interface NewMessages {
  messages: CreateChatMessageDto[];
  /** The id of the message that the first one follows: by default the leaf; null for a new root. */
  parentId?: string | null;
  opening?: Opening;
}

/** The last of new messages is an answer that is being written. Returns the statement that inserts its run. */
type Opening = (answer: PlacedMessage) => Statement;

export interface Appended extends Written {
  messages: PlacedMessage[];
}

/** The place of new messages in the tree. */
export interface Placement {
  parentId: string | null;
  /** The session's columns of the tree, unless they stay as an append at the leaf leaves them. */
  columns?: Partial<ChatSession>;
  /** The tree with the new messages, unless it is linear. */
  tree?: Tree;
  /** Statements that hide others. */
  hiding?: Statement[];
  opening?: Opening;
}

/** Messages, and characters of one, that are looked at for a text. */
const MAX_BLANK = 100;

/** Stores new messages: the common part of append and replace. */
@Injectable()
export class MessageInserts {
  constructor(
    private readonly sessions: ChatSessionsRepository,
    private readonly messages: ChatMessagesRepository,
    private readonly hidden: HiddenMessagesRepository,
    private readonly reads: MessageReads,
    private readonly trees: TreesRepository,
  ) {}

  /** Throws `message_empty`, `parent_unknown`, `too_many_branches`, and the driver's error if an id is taken. */
  *append(
    session: SessionState,
    { messages, parentId, opening }: NewMessages,
    now: Date,
  ): UnitOfWork<Appended> {
    const place = yield* this.below(session, messages.length, parentId);
    const placement = { ...place, opening };
    return yield* this.insert(session, messages, placement, now);
  }

  /** Throws `message_empty`, and the driver's error if an id is taken. */
  *insert(
    session: SessionState,
    inputs: CreateChatMessageDto[],
    { parentId, columns, tree, hiding = [], opening }: Placement,
    now: Date,
  ): UnitOfWork<Appended> {
    const messages = newMessages(session, inputs, { now, parentId });
    const answer = opening && messages.at(-1)!;
    if (answer) answer.status = 'open';
    const fields = {
      ...(session.title === null && {
        title: yield* this.firstTitle(session, messages),
      }),
      ...fieldsWith(session, messages),
      ...columns,
      ...(answer && { activeRunSeq: answer.seq }),
    };
    const insertions = [
      this.messages.insertion(messages),
      ...(answer ? [opening(answer)] : []),
    ];
    const last = [COMMIT];
    try {
      const first = [...hiding, ...insertions];
      yield* this.sessions.update(session, fields, { now, first, last });
    } catch (error) {
      if (!isDuplicateKey(error)) throw error;
      // Ids of hidden messages are free, also while their rows wait for their removal.
      const ids = messages.map(({ id }) => id);
      const after = tree ?? (yield* this.trees.get(session));
      if (!(yield* this.hidden.freeIds(session, after, ids))) throw error;
      const first = insertions;
      yield* this.sessions.update(session, fields, { now, first, last });
    }
    const [message] = messages;
    const siblings = tree && siblingsOf(tree, message!.seq);
    if (siblings && siblings.length > 1) {
      message!.siblings = nearest(siblings, message!.seq);
    }
    return { session, messages, created: true };
  }

  /** Undefined if none of the inputs is stored. Throws `message_id_taken` if only some are, or with other content, or another parent than the given one. */
  *findRepeated(
    session: SessionState,
    { messages: inputs, parentId }: NewMessages,
  ): UnitOfWork<Appended | undefined> {
    const ids = inputs.flatMap(({ id }) => id ?? []);
    if (ids.length === 0) return undefined;
    const tree = yield* this.trees.get(session);
    const stored = yield* this.messages.bytesOf(session, ids, tree);
    if (stored > 0) {
      const { updatedAt: now } = session;
      const sent = newMessages(session, inputs, { now, parentId: null });
      if (stored > mostBytesOf(sent)) {
        throw new ChatSessionsError('message_id_taken');
      }
    }
    const found = yield* this.reads.withIds(session, ids);
    if (found.size === 0) return undefined;
    const messages = inputs.map((input) => {
      const stored = input.id && found.get(input.id);
      if (!stored || !isRepeated(stored, input)) {
        throw new ChatSessionsError('message_id_taken');
      }
      return stored;
    });
    if (parentId !== undefined && !isLine(messages, parentId)) {
      // After a delete of the parent nobody can tell.
      const isGone =
        parentId !== null &&
        (yield* this.messages.seqOf(session, tree, parentId)) === undefined;
      if (!isGone) throw new ChatSessionsError('message_id_taken');
    }
    return { session, messages, created: false };
  }

  /** The messages that a request with an Idempotency-Key has stored, as they are now. Throws EntityNotFoundError, `messages_gone`. */
  *findInserted({
    ownerId,
    sessionId,
    messageIds,
  }: IdempotencyKey): UnitOfWork<Appended> {
    const session = yield* this.sessions.get(ownerId, sessionId);
    const found = yield* this.reads.withIds(session, messageIds);
    const messages = messageIds.map((id) => {
      const message = found.get(id);
      if (!message) throw new ChatSessionsError('messages_gone');
      return message;
    });
    return { session, messages, created: true };
  }

  /** The place below a message: by default the leaf. Most appends need no tree. */
  private *below(
    session: SessionState,
    count: number,
    parentId: string | null | undefined,
  ): UnitOfWork<Placement> {
    const linear = linearTreeOf(session);
    if (linear) {
      const leafId = yield* this.idOf(session, linear.leafSeq);
      if (parentId === undefined || parentId === leafId) {
        return { parentId: leafId };
      }
    }
    const before = linear ?? (yield* this.trees.get(session));
    const seq =
      parentId === undefined
        ? before.leafSeq
        : yield* this.seqOfParent(session, before, parentId);
    const tree = append(before, count, seq);
    return {
      parentId:
        parentId === undefined ? yield* this.idOf(session, seq) : parentId,
      columns:
        seq === before.leafSeq
          ? undefined
          : this.trees.columnsOf(session, tree),
      tree,
    };
  }

  /** Most appends follow the message that was appended last: its id is in the session's row. */
  private *idOf(session: SessionState, seq: number): UnitOfWork<string | null> {
    if (seq === 0) return null;
    if (seq === session.newestSeq) return session.newestId;
    return (yield* this.messages.idOf(session, seq)) ?? null;
  }

  private *seqOfParent(
    session: SessionState,
    tree: Tree,
    parentId: string | null,
  ): UnitOfWork<number> {
    if (parentId === null) return 0;
    const seq = yield* this.messages.seqOf(session, tree, parentId);
    if (seq === undefined) throw new ChatSessionsError('parent_unknown');
    return seq;
  }

  /** A title only if the session's first user message with a text is among the new ones: a cleared title stays cleared. */
  private *firstTitle(
    session: SessionState,
    messages: ChatMessage[],
  ): UnitOfWork<string | null> {
    const title = derivedTitle(messages);
    if (title === null || session.messageCount === 0) return title;
    return (yield* this.hasUserText(session)) ? null : title;
  }

  /** Messages with a picture may have a text that is blank. Many of them, or a long one, count as a text. */
  private *hasUserText(session: SessionState): UnitOfWork<boolean> {
    const tree = yield* this.trees.get(session);
    const texts = yield* this.messages.firstTexts(session, tree, {
      role: 'user',
      messages: MAX_BLANK,
      characters: MAX_BLANK,
    });
    return (
      texts.length === MAX_BLANK ||
      texts.some((text) => text.length === MAX_BLANK || startOfLine(text))
    );
  }
}

/** Whether the first message follows the one with an id, and each other the one before. */
function isLine(messages: PlacedMessage[], parentId: string | null): boolean {
  return messages.every(
    (message, index) =>
      message.parentId === (messages[index - 1]?.id ?? parentId),
  );
}
