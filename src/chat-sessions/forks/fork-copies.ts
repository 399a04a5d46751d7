import { Injectable } from '@nestjs/common';
import {
  COMMIT,
  execute,
  type UnitOfWork,
} from '../../database/unit-of-work.js';
import { RunEndings } from '../answers/run-endings.js';
import { ChatSessionsError } from '../errors.js';
import { PAGE, PREVIEW_CHARACTERS } from '../limits.js';
import { MessageReads } from '../messages/message-reads.js';
import { newSession } from '../sessions/session-rules.js';
import { ChatForksRepository } from '../store/chat-forks.repository.js';
import { ChatMessagesRepository } from '../store/chat-messages.repository.js';
import { ChatPurgesRepository } from '../store/chat-purges.repository.js';
import { ChatRunsRepository } from '../store/chat-runs.repository.js';
import {
  ChatSessionsRepository,
  type SessionKey,
  type SessionState,
} from '../store/chat-sessions.repository.js';
import type { ChatFork } from '../store/entities/chat-fork.entity.js';
import type { ChatMessage } from '../store/entities/chat-message.entity.js';
import type { ChatSession } from '../store/entities/chat-session.entity.js';
import { PlacedMessagesRepository } from '../store/placed-messages.repository.js';
import { TreesRepository } from '../store/trees.repository.js';
import { startOf } from '../text/text.js';
import { pageOf, type Path, pathOf } from '../tree/path.js';
import { has, type SeqRange, sizeOf, type Tree } from '../tree/tree.js';
import type { IfMatch } from '../writes/entity-tag.js';
import { timeOfChange } from '../writes/session-writes.js';

/** The place at which a session is forked. */
export interface ForkPoint extends SessionKey {
  /** The last message to copy: by default the leaf. */
  messageId?: string;
  ifMatch?: IfMatch;
}

/** A new session, and the messages that it gets. */
export interface Fork {
  session: ChatSession;
  source: SessionState;
  leafSeq: number;
  path: Path;
}

/** How much of a fork is copied. */
export interface Progress {
  count: number;
  /** The seq of the last message in the session that is copied. */
  lastSeq: number;
  /** The copied session, as it was at that time. */
  source: SessionState;
  maxMessageBytes: number;
}

/** Thrown if a fork cannot go on: messages of it were deleted meanwhile, or it took too long. */
export class ForkInterrupted extends ChatSessionsError {
  constructor() {
    super('fork_interrupted');
  }
}

/** A fork that takes longer has failed, and its messages are removed. */
const LONGEST_MS = 10 * 60_000;

/** Messages that one transaction copies to a hidden session. */
const BATCH_MESSAGES = 1_000;

/** The transactions of a fork. Each locks the session that is copied, so that no write comes between its steps. */
@Injectable()
export class ForkCopies {
  constructor(
    private readonly sessions: ChatSessionsRepository,
    private readonly messages: ChatMessagesRepository,
    private readonly placed: PlacedMessagesRepository,
    private readonly trees: TreesRepository,
    private readonly purges: ChatPurgesRepository,
    private readonly forks: ChatForksRepository,
    private readonly reads: MessageReads,
    private readonly runs: ChatRunsRepository,
    private readonly endings: RunEndings,
  ) {}

  /** Copies all at once. Throws EntityNotFoundError, `version_moved`. */
  *copy(point: ForkPoint): UnitOfWork<ChatSession> {
    const { session, source, path } = yield* this.prepare(point);
    const { ranges } = path;
    const target = { id: session.id, firstSeq: 1 };
    const answer = yield* this.partial(source, ranges, target);
    if (answer) {
      session.preview = startOf(answer.content, PREVIEW_CHARACTERS);
      session.maxMessageBytes = Math.max(session.maxMessageBytes, answer.bytes);
    }
    yield* this.sessions.insert(session);
    if (path.length > 0) {
      yield* execute(
        ...this.messages.copies(source, ranges, target),
        ...(answer ? [this.messages.change(answer)] : []),
      );
    }
    return session;
  }

  /** Begins a fork that is copied in batches: until `publish`, nobody sees it. Throws EntityNotFoundError, `version_moved`. */
  *begin(point: ForkPoint): UnitOfWork<Fork> {
    const fork = yield* this.prepare(point);
    yield* this.sessions.insertHidden(fork.session);
    const dueAt = new Date(Date.now() + LONGEST_MS);
    const { id: sessionId, ownerId } = fork.session;
    yield* this.forks.insert({ sessionId, ownerId, dueAt });
    return fork;
  }

  /** Copies the next messages. Throws EntityNotFoundError, ForkInterrupted. */
  *copyBatch(
    fork: Fork,
    { count, lastSeq, maxMessageBytes }: Progress,
  ): UnitOfWork<Progress> {
    const { id, ownerId } = fork.source;
    const source = yield* this.sessions.lock(ownerId, id);
    const tree = yield* this.trees.get(source);
    yield* this.lockHidden(fork.session);
    if (!isPathOf(tree, fork)) throw new ForkInterrupted();
    const isLine = fork.path.ranges.length === 1;
    const limit = isLine ? BATCH_MESSAGES : PAGE.messages.max;
    const next = pageOf(fork.path, { after: lastSeq, limit });
    const fitting = yield* this.placed.fitting(source, next);
    const { ranges } = fitting!.page;
    const target = { id: fork.session.id, firstSeq: count + 1 };
    const answer = yield* this.partial(source, ranges, target);
    const changes = answer ? [this.messages.change(answer)] : [];
    const copies = this.messages.copies(source, ranges, target);
    yield* execute(...copies, ...changes, COMMIT);
    return {
      count: count + sizeOf(ranges),
      lastSeq: ranges.at(-1)!.to,
      source,
      maxMessageBytes: Math.max(
        maxMessageBytes,
        source.maxMessageBytes,
        answer?.bytes ?? 0,
      ),
    };
  }

  /** Gives a fork whose messages are all copied to its owner. Throws ForkInterrupted. */
  *publish(
    { session }: Fork,
    { source, maxMessageBytes }: Progress,
  ): UnitOfWork<ChatSession> {
    const { ownerId, id, lastSeq } = session;
    yield* this.forks.delete(yield* this.lockHidden(session));
    // Messages may have been changed before they were copied.
    const leaf = yield* this.reads.leafFields(session, lastSeq);
    const isNewer = source.updatedAt > session.updatedAt;
    const { updatedAt } = isNewer ? source : session;
    yield* this.sessions.publish(session, {
      ...leaf,
      maxMessageBytes,
      updatedAt,
    });
    return yield* this.sessions.get(ownerId, id);
  }

  /** Leaves what was copied of a fork to `Purger`. */
  *giveUp(id: string, now: Date): UnitOfWork<void> {
    const hidden = yield* this.sessions.lockById(id);
    const fork = yield* this.forks.lock(id);
    if (!fork) return;
    yield* this.forks.delete(fork);
    if (!hidden) return;
    const { ownerId } = fork;
    yield* this.purges.insert({ id, ownerId, lastSeq: hidden.lastSeq }, now);
  }

  /** Throws ForkInterrupted if the fork was given up. */
  private *lockHidden({ id }: SessionKey): UnitOfWork<ChatFork> {
    yield* this.sessions.lockById(id);
    const fork = yield* this.forks.lock(id);
    if (!fork) throw new ForkInterrupted();
    return fork;
  }

  /** What is written of an answer that is copied while a run writes it, as the message of the copy. */
  private *partial(
    source: SessionState,
    ranges: readonly SeqRange[],
    target: { id: string; firstSeq: number },
  ): UnitOfWork<ChatMessage | undefined> {
    const openSeq = source.activeRunSeq;
    const before = ranges.filter(({ from }) => from <= (openSeq ?? 0));
    const last = before.at(-1);
    if (openSeq === null || !last || last.to < openSeq) return undefined;
    const run = yield* this.runs.lockBySeq(source, openSeq);
    if (!run) return undefined;
    const message = yield* this.endings.written(source, run);
    if (!message) return undefined;
    const seq = target.firstSeq + sizeOf(before) - 1 - (last.to - openSeq);
    return { ...message, sessionId: target.id, seq, status: 'partial' };
  }

  private *prepare(point: ForkPoint): UnitOfWork<Fork> {
    const { ownerId, id, messageId, ifMatch } = point;
    const state = yield* this.sessions.lock(ownerId, id);
    ifMatch?.check(state);
    const tree = yield* this.trees.get(state);
    const leafSeq =
      messageId === undefined
        ? tree.leafSeq
        : yield* this.reads.seqOf(state, tree, messageId);
    const path = pathOf(tree, leafSeq);
    const source = yield* this.sessions.get(ownerId, id);
    const leaf = yield* this.reads.leafFields(source, leafSeq);
    const leafId =
      messageId ?? (yield* this.messages.idOf(source, leafSeq)) ?? null;
    const now = timeOfChange(source);
    const session = newSession(
      ownerId,
      {
        title: source.title,
        document_id: source.documentId ?? undefined,
        context_documents: source.contextDocuments,
        config: source.config,
        metadata: source.metadata,
      },
      now,
    );
    Object.assign(session, leaf, {
      messageCount: path.length,
      lastSeq: path.length,
      newestSeq: path.length,
      newestId: leafId,
      maxMessageBytes: source.maxMessageBytes,
      forkedFrom: { session_id: id, message_id: leafId },
    });
    return { session, source, leafSeq, path };
  }
}

/** Whether the path of a fork is still one of the session's. Messages that were appended since do not change it. */
function isPathOf(tree: Tree, { leafSeq, path }: Fork): boolean {
  if (leafSeq !== 0 && !has(tree, leafSeq)) return false;
  const { ranges } = pathOf(tree, leafSeq);
  return (
    ranges.length === path.ranges.length &&
    ranges.every(({ from, to }, index) => {
      const before = path.ranges[index]!;
      return from === before.from && to === before.to;
    })
  );
}
