import { Injectable } from '@nestjs/common';
import { EntityNotFoundError } from 'typeorm';
import type { UnitOfWork } from '../../database/unit-of-work.js';
import { OpenAnswers } from '../answers/open-answers.js';
import { ChatSessionsError } from '../errors.js';
import { PAGE, PREVIEW_CHARACTERS } from '../limits.js';
import { ChatMessagesRepository } from '../store/chat-messages.repository.js';
import {
  ChatSessionsRepository,
  type SessionKey,
  type SessionState,
} from '../store/chat-sessions.repository.js';
import { ChatMessage } from '../store/entities/chat-message.entity.js';
import type { ChatRun } from '../store/entities/chat-run.entity.js';
import type { ChatSession } from '../store/entities/chat-session.entity.js';
import type { Admit } from '../store/large-reads.js';
import {
  type MessagePage,
  type PlacedMessage,
  PlacedMessagesRepository,
} from '../store/placed-messages.repository.js';
import { TreesRepository } from '../store/trees.repository.js';
import { startOf } from '../text/text.js';
import {
  arrivalsOf,
  pageOf,
  type Path,
  pathOf,
  type PathPageQuery,
} from '../tree/path.js';
import type { Tree } from '../tree/tree.js';

/** A session with a page of its messages, both read at one moment. */
export interface SessionWithPage extends MessagePage {
  session: ChatSession;
  /** The run whose answer is being written, as it is now; null if there is none. */
  run: ChatRun | null;
}

/** A request for a page of messages. Cursors are seqs. */
export interface MessagesQuery extends PathPageQuery {
  /** The id of the message with which the path ends: by default the session's leaf. */
  leaf?: string;
  /** The messages of all branches, in order of arrival. */
  tree?: boolean;
}

/** A change between the two reads of a session and its messages makes both start again; more than this many do not come. */
const MAX_READS = 10;

/**
 * Reads messages of a session that was just read. If the session has changed
 * since, it is read again. Throws EntityNotFoundError if it was deleted since,
 * and an Error if the session counts messages that it does not have.
 */
@Injectable()
export class MessageReads {
  constructor(
    private readonly sessions: ChatSessionsRepository,
    private readonly trees: TreesRepository,
    private readonly messages: PlacedMessagesRepository,
    private readonly ids: ChatMessagesRepository,
    private readonly answers: OpenAnswers,
  ) {}

  /** A page, oldest first. Throws `leaf_unknown`. */
  *page(
    session: ChatSession,
    query: MessagesQuery,
    admit: Admit,
  ): UnitOfWork<SessionWithPage> {
    const { ownerId, id } = session;
    for (let reads = 1; reads <= MAX_READS; reads++) {
      const tree = yield* this.trees.find(session);
      const path = tree && (yield* this.path(session, tree, query));
      // A leaf that is unknown may be newer than the session as it was read.
      if (tree && !path && reads > 1) {
        throw new ChatSessionsError('leaf_unknown');
      }
      if (path) {
        const page = pageOf(path, query);
        const found = yield* this.messages.page(session, tree, page, admit);
        const run =
          found && (yield* this.answers.fill(session, found.messages, admit));
        if (run !== undefined) return { session, run, ...found! };
      }
      session = yield* this.sessions.get(ownerId, id);
    }
    throw inconsistent(id);
  }

  /** Undefined if there is no such leaf. */
  private *path(
    session: ChatSession,
    tree: Tree,
    { leaf, tree: isTree }: MessagesQuery,
  ): UnitOfWork<Path | undefined> {
    if (isTree) return arrivalsOf(tree);
    if (leaf === undefined) return pathOf(tree);
    const seq = yield* this.ids.seqOf(session, tree, leaf);
    return seq === undefined ? undefined : pathOf(tree, seq);
  }

  /** The newest messages, as many as a session shows by default, oldest first. */
  *newest(session: ChatSession, admit: Admit): UnitOfWork<SessionWithPage> {
    const limit = PAGE.sessionMessages.default;
    return yield* this.page(session, { limit }, admit);
  }

  /** Throws EntityNotFoundError if the session has no such message. */
  *get(
    session: SessionState,
    id: string,
    admit?: Admit,
  ): UnitOfWork<PlacedMessage> {
    const message = (yield* this.withIds(session, [id], admit)).get(id);
    if (!message) throw messageNotFound(session, id);
    return message;
  }

  /** The fields of a session that depend on its leaf, which is 0 if it shows no message. */
  *leafFields(
    session: SessionKey,
    leafSeq: number,
  ): UnitOfWork<Pick<ChatSession, 'preview' | 'lastMessageAt'>> {
    const characters = 2 * PREVIEW_CHARACTERS;
    const leaf = yield* this.ids.startOf(session, leafSeq, characters);
    if (!leaf) return { preview: null, lastMessageAt: null };
    const { content, createdAt: lastMessageAt } = leaf;
    return { preview: startOf(content, PREVIEW_CHARACTERS), lastMessageAt };
  }

  /** The seq of a message. Throws EntityNotFoundError if the tree has no such message. */
  *seqOf(session: SessionState, tree: Tree, id: string): UnitOfWork<number> {
    const seq = yield* this.ids.seqOf(session, tree, id);
    if (seq === undefined) throw messageNotFound(session, id);
    return seq;
  }

  /**
   * The messages with these ids, by id; missing ones are left out.
   * @param admit is called before a long answer is read that is being written
   */
  *withIds(
    session: SessionState,
    ids: string[],
    admit: Admit = () => undefined,
  ): UnitOfWork<ReadonlyMap<string, PlacedMessage>> {
    const { ownerId, id } = session;
    for (let reads = 1; reads <= MAX_READS; reads++) {
      const tree = yield* this.trees.find(session);
      const found = tree && (yield* this.messages.findAll(session, tree, ids));
      const run = found && (yield* this.answers.fill(session, found, admit));
      if (run !== undefined) return new Map(found!.map((one) => [one.id, one]));
      session = yield* this.sessions.state(ownerId, id);
    }
    throw inconsistent(id);
  }
}

function inconsistent(id: string): Error {
  return new Error(`The chat session ${id} has other messages than it counts`);
}

function messageNotFound(
  { id: sessionId }: SessionKey,
  id: string,
): EntityNotFoundError {
  return new EntityNotFoundError(ChatMessage, { sessionId, id });
}
