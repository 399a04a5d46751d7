import { Injectable } from '@nestjs/common';
import { Database } from '../../database/database.js';
import {
  COMMIT,
  execute,
  type UnitOfWork,
} from '../../database/unit-of-work.js';
import { exactItems } from '../../json/exact-json.js';
import {
  type Content,
  grown,
  newPartOf,
  type Piece,
  piecesOf,
  tailOffsetOf,
} from '../answers/answer-content.js';
import {
  asOf,
  checkWriter,
  isCleared,
  isWriter,
  leaseOf,
} from '../answers/run-state.js';
import {
  ChatRunsRepository,
  type RunAnswer,
} from '../store/chat-runs.repository.js';
import {
  ChatSessionsRepository,
  type SessionKey,
} from '../store/chat-sessions.repository.js';
import type { ChatRun } from '../store/entities/chat-run.entity.js';
import { runNotFound } from './run-not-found.js';
import type { RunKey } from './runs.service.js';

export interface RunOutput {
  fence: number;
  /** UTF-16 units of the text before it, and 1 for each part. */
  offset: number;
  /** A text, or parts. */
  content: Content;
}

export interface StoredOutput {
  /** Where the next output starts. */
  offset: number;
  leaseUntil: Date;
}

/**
 * Stores the outputs of runs. An output changes the row of its run, and not its
 * session: others read and change the session meanwhile. A write that ends the
 * run locks this row, too, so nothing is written after it.
 */
@Injectable()
export class RunOutputsService {
  constructor(
    private readonly database: Database,
    private readonly sessions: ChatSessionsRepository,
    private readonly runs: ChatRunsRepository,
  ) {}

  /**
   * Adds to the answer and renews the lease. An output that is stored already is
   * not stored again. Throws EntityNotFoundError, `run_ended`, `run_waiting`,
   * `fence_stale`, `offset_mismatch`, `answer_too_large`.
   */
  write({ runId, ...key }: RunKey, output: RunOutput): Promise<StoredOutput> {
    const { content } = output;
    const exact = typeof content === 'string' ? content : exactItems(content);
    return this.database.write(() =>
      this.apply(key, runId, { ...output, content: exact }),
    );
  }

  /** The run as it is now. Throws EntityNotFoundError. */
  get({ runId, ...key }: RunKey): Promise<ChatRun> {
    return this.database.read(() => this.read(key, runId));
  }

  private *read(
    { ownerId, id }: SessionKey,
    runId: string,
  ): UnitOfWork<ChatRun> {
    // Rows of a deleted or cleared session may wait for their removal.
    const session = yield* this.sessions.state(ownerId, id);
    const run = yield* this.runs.find(session, { id: runId });
    if (!run || isCleared(session, run.seq))
      throw runNotFound({ ownerId, id }, runId);
    return asOf(run, new Date());
  }

  private *apply(
    key: SessionKey,
    runId: string,
    { fence, offset, content }: RunOutput,
  ): UnitOfWork<StoredOutput> {
    const run = yield* this.runs.lockAnswer(key, runId);
    if (!run) throw runNotFound(key, runId);
    const now = new Date();
    if (!isWriter(run, fence, now)) {
      const whole = yield* this.runs.lock(key, runId);
      checkWriter(asOf(whole!, now), fence);
    }
    const leaseUntil = leaseOf(run, now);
    const isOld = offset < run.endOffset && content.length > 0;
    const pieces = isOld
      ? yield* this.pieces(run, offset, offset + content.length)
      : [];
    const added = newPartOf(run, pieces, { offset, content });
    if (added === undefined) {
      yield* execute(this.runs.change(run, { leaseUntil }), COMMIT);
      return { offset: run.endOffset, leaseUntil };
    }
    const { answer, chunks } = grown(run, added);
    const { sessionId, seq, ownerId } = run;
    const rows = chunks.map((chunk) => ({ sessionId, seq, ownerId, ...chunk }));
    yield* execute(
      ...(rows.length > 0 ? [this.runs.chunkInsertion(rows)] : []),
      this.runs.change(run, { ...answer, leaseUntil }),
      COMMIT,
    );
    return { offset: answer.endOffset, leaseUntil };
  }

  /** The pieces of an answer that have a range of offsets. */
  private *pieces(
    run: RunAnswer,
    from: number,
    to: number,
  ): UnitOfWork<Piece[]> {
    if (from >= tailOffsetOf(run)) return piecesOf(run, []);
    const start = yield* this.runs.chunkStart(run, from);
    return piecesOf(run, yield* this.runs.chunks(run, start, to));
  }
}
