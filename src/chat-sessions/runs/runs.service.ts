import { Injectable } from '@nestjs/common';
import { v7 as uuidv7 } from 'uuid';
import type { UnitOfWork } from '../../database/unit-of-work.js';
import { NO_ANSWER } from '../answers/answer-content.js';
import { type EndedRun, RunEndings } from '../answers/run-endings.js';
import {
  asOf,
  checkWriter,
  isCleared,
  isEnded,
  leaseOf,
} from '../answers/run-state.js';
import { ChatSessionsError } from '../errors.js';
import { LEASE_SECONDS } from '../limits.js';
import type { CreateChatMessageDto } from '../messages/dto/create-chat-message.dto.js';
import { MessageInserts } from '../messages/message-inserts.js';
import { MessageReads } from '../messages/message-reads.js';
import { editedMessage, refuseEmpty } from '../messages/message-rules.js';
import { ChatMessagesRepository } from '../store/chat-messages.repository.js';
import { ChatRunsRepository } from '../store/chat-runs.repository.js';
import {
  ChatSessionsRepository,
  type SessionKey,
  type SessionState,
} from '../store/chat-sessions.repository.js';
import type { ChatRun } from '../store/entities/chat-run.entity.js';
import { type Admit, LargeReads } from '../store/large-reads.js';
import type { PlacedMessage } from '../store/placed-messages.repository.js';
import { TreesRepository } from '../store/trees.repository.js';
import type { IdempotencyKey } from '../writes/idempotency/idempotency-key.entity.js';
import {
  SessionWrites,
  type WriteOptions,
  type Written,
} from '../writes/session-writes.js';
import type { FinishRunDto, StartRunDto } from './dto/runs.dto.js';
import { RepeatedStarts } from './repeated-starts.js';
import { runNotFound } from './run-not-found.js';

/** A run that was started. */
export interface Started extends Written {
  run: ChatRun;
  /** The question, and the answer as the last one. */
  messages: PlacedMessage[];
}

/** A run that has ended. */
export type Ended = Written & EndedRun;

/** A run of a session. */
export interface RunKey extends SessionKey {
  runId: string;
}

/** Starts and ends runs. A run is an answer that is being written, by one writer, who holds its lease. */
@Injectable()
export class RunsService {
  constructor(
    private readonly sessions: ChatSessionsRepository,
    private readonly runs: ChatRunsRepository,
    private readonly inserts: MessageInserts,
    private readonly reads: MessageReads,
    private readonly endings: RunEndings,
    private readonly repeated: RepeatedStarts,
    private readonly messages: ChatMessagesRepository,
    private readonly trees: TreesRepository,
    private readonly largeReads: LargeReads,
    private readonly writes: SessionWrites,
  ) {}

  /**
   * Appends the question and an open answer, and gives the caller the lease. If
   * the same start was sent before, returns its run as it is now. Throws
   * EntityNotFoundError, `run_active`, `run_id_taken`, and what an append throws.
   */
  start(
    key: SessionKey,
    start: StartRunDto,
    options?: WriteOptions,
  ): Promise<Started> {
    return this.writes.run<Started>(
      key,
      {
        type: 'appended',
        isAllowedDuringRun: true,
        validate: () => refuseUnusable(start),
        apply: (session, now) => this.applyStart(session, start, now),
        findRepeated: (session) => this.repeated.find(session, start),
        replay: (record) => this.findStarted(record),
      },
      options,
    );
  }

  /**
   * Ends a run; its answer is what was written, with what the changes replace.
   * A finish with the same fence and status as before returns the run. Throws
   * EntityNotFoundError, `message_empty`, `run_ended`, `run_waiting`, `fence_stale`.
   */
  finish({ runId, ...key }: RunKey, changes: FinishRunDto): Promise<Ended> {
    return this.largeReads.write((admit) =>
      this.writes.run<Ended>(key, {
        type: 'updated',
        isAllowedDuringRun: true,
        apply: (session, now) =>
          this.applyFinish(session, { runId, changes, now }, admit),
      }),
    );
  }

  /** Ends a run that has not ended: what was written stays, as a partial answer. Returns the run, however it has ended. Throws EntityNotFoundError. */
  cancel({ runId, ...key }: RunKey): Promise<Ended> {
    return this.largeReads.write((admit) =>
      this.writes.run<Ended>(key, {
        type: 'updated',
        isAllowedDuringRun: true,
        apply: (session, now) =>
          this.applyCancel(session, { runId, now }, admit),
      }),
    );
  }

  private *applyStart(
    session: SessionState,
    start: StartRunDto,
    now: Date,
  ): UnitOfWork<Started> {
    const {
      messages: question = [],
      parent_id: parentId,
      metadata = {},
    } = start;
    // One without an id is found by its messages if they cannot be stored again,
    // which is too late for the run that it would cancel.
    if (start.id !== undefined || start.if_active === 'cancel') {
      const repeated = yield* this.repeated.find(session, start);
      if (repeated) return repeated;
    }
    if (start.if_active === 'cancel') yield* this.endings.cancel(session, now);
    else yield* this.endings.endExpired(session, now);
    const leaseSeconds = start.lease_seconds ?? LEASE_SECONDS.default;
    let run: ChatRun | undefined;
    const opening = (answer: PlacedMessage) => {
      run = {
        ...NO_ANSWER,
        sessionId: session.id,
        seq: answer.seq,
        id: start.id ?? uuidv7(),
        ownerId: session.ownerId,
        messageId: answer.id,
        questionCount: question.length,
        status: 'active',
        fence: 1,
        leaseSeconds,
        leaseUntil: leaseOf({ leaseSeconds }, new Date()),
        metadata,
        error: null,
        interrupts: null,
        usage: null,
        startedAt: now,
        endedAt: null,
      };
      return this.runs.insertion(run);
    };
    const answer: CreateChatMessageDto = {
      id: start.message_id,
      role: 'assistant',
      parts: [],
    };
    const messages = [...question, answer];
    const added = { messages, parentId, opening };
    const appended = yield* this.inserts.append(session, added, now);
    return { ...appended, run: run! };
  }

  private *applyFinish(
    session: SessionState,
    { runId, changes, now }: Finish,
    admit: Admit,
  ): UnitOfWork<Ended> {
    const run = yield* this.lock(session, runId);
    const { fence, status, usage, error } = changes;
    const isFinished = run.fence === fence && run.status === status;
    if (isFinished) return yield* this.ended(session, run, admit);
    checkWriter(asOf(run, new Date()), fence);
    admit(run.bytes);
    const ended = yield* this.endings.end(session, run, {
      status,
      now,
      finish: (answer) => finished(answer, changes, now),
      usage,
      error,
    });
    if (!ended) throw runNotFound(session, runId);
    return { ...ended, session, created: false };
  }

  private *applyCancel(
    session: SessionState,
    { runId, now }: Omit<Finish, 'changes'>,
    admit: Admit,
  ): UnitOfWork<Ended> {
    const run = yield* this.lock(session, runId);
    if (isEnded(run)) return yield* this.ended(session, run, admit);
    admit(run.bytes);
    const ended = yield* this.endings.stop(session, run, now);
    if (!ended) throw runNotFound(session, runId);
    return { ...ended, session, created: false };
  }

  private *lock(session: SessionState, runId: string): UnitOfWork<ChatRun> {
    const run = yield* this.runs.lock(session, runId);
    if (!run || isCleared(session, run.seq)) throw runNotFound(session, runId);
    return run;
  }

  private *ended(
    session: SessionState,
    run: ChatRun,
    admit: Admit,
  ): UnitOfWork<Ended> {
    admit(yield* this.messages.bytesOf(session, [run.messageId]));
    const message = yield* this.reads.get(session, run.messageId);
    // Its own answer was deleted, and the id used again.
    if (message.seq !== run.seq) throw runNotFound(session, run.id);
    return { session, run, message, created: false };
  }

  /** The run that a request with an Idempotency-Key has started, as it is now. */
  private *findStarted({
    ownerId,
    sessionId,
    messageIds,
  }: IdempotencyKey): UnitOfWork<Started> {
    const session = yield* this.sessions.get(ownerId, sessionId);
    const answerId = messageIds.at(-1)!;
    const tree = yield* this.trees.find(session);
    const seq = tree && (yield* this.messages.seqOf(session, tree, answerId));
    const found =
      seq === undefined ? undefined : yield* this.runs.find(session, { seq });
    if (!found) throw new ChatSessionsError('messages_gone');
    const started = yield* this.repeated.withMessages(session, found);
    return { ...started, created: true };
  }
}

interface Finish {
  runId: string;
  changes: FinishRunDto;
  now: Date;
}

/** Throws `message_empty`, and `message_id_taken` if the answer has an id of the question. */
function refuseUnusable({ messages = [], message_id: id }: StartRunDto): void {
  refuseEmpty(messages);
  if (id !== undefined && messages.some((one) => one.id === id)) {
    throw new ChatSessionsError('message_id_taken');
  }
}

/** What was written, unless the changes have a content or parts of their own. */
function finished(
  answer: PlacedMessage,
  changes: FinishRunDto,
  now: Date,
): PlacedMessage {
  const { content, parts } = changes;
  const isReplaced = content != null || parts != null;
  const written = isReplaced
    ? Object.assign(answer, { content: '', parts: null })
    : answer;
  const message = editedMessage(written, changes, now);
  return Object.assign(message, { editedAt: null });
}
