import { Injectable } from '@nestjs/common';
import type { Statement, UnitOfWork } from '../../database/unit-of-work.js';
import { exactArray, jsonOf } from '../../json/exact-json.js';
import { shapeOf } from '../../json/json-shape.js';
import { BYTES_PER_VALUE, PREVIEW_CHARACTERS } from '../limits.js';
import { ChatMessagesRepository } from '../store/chat-messages.repository.js';
import { ChatRunsRepository } from '../store/chat-runs.repository.js';
import {
  ChatSessionsRepository,
  type SessionState,
} from '../store/chat-sessions.repository.js';
import { ChatUsageRepository } from '../store/chat-usage.repository.js';
import type { ChatRun, Usage } from '../store/entities/chat-run.entity.js';
import type { ChatSession } from '../store/entities/chat-session.entity.js';
import {
  type PlacedMessage,
  PlacedMessagesRepository,
} from '../store/placed-messages.repository.js';
import { TreesRepository } from '../store/trees.repository.js';
import { textOf } from '../text/text-of-parts.js';
import { startOf } from '../text/text.js';
import { assembled, piecesOf, tailOffsetOf } from './answer-content.js';
import { asOf, isCleared, isEnded, runError } from './run-state.js';

export interface Ending {
  status: 'completed' | 'failed' | 'cancelled' | 'expired';
  now: Date;
  /** Makes the final answer of what was written. */
  finish?: (answer: PlacedMessage) => PlacedMessage;
  usage?: Usage;
  error?: unknown;
}

export interface EndedRun {
  run: ChatRun;
  message: PlacedMessage;
}

/** Ends runs: what was written becomes the message, in the transaction that ends the run. */
@Injectable()
export class RunEndings {
  constructor(
    private readonly sessions: ChatSessionsRepository,
    private readonly messages: ChatMessagesRepository,
    private readonly placed: PlacedMessagesRepository,
    private readonly trees: TreesRepository,
    private readonly runs: ChatRunsRepository,
    private readonly usages: ChatUsageRepository,
  ) {}

  // Leases are held against the clock, not the time of the change: a session that
  // was written while a clock was ahead has changes in the future for a while.

  /** Ends the run of a locked session if its lease has run out. Throws `run_active` if it has not. */
  *endExpired(session: SessionState, now: Date): UnitOfWork<void> {
    const active = yield* this.endIfExpired(session, now);
    if (active) throw runError('run_active', active);
  }

  /** Like `endExpired`, but returns a run whose lease has not run out. */
  *endIfExpired(
    session: SessionState,
    now: Date,
  ): UnitOfWork<ChatRun | undefined> {
    const run = yield* this.lockActive(session, now);
    if (!run || !isEnded(asOf(run, new Date()))) return run;
    yield* this.end(session, run, { status: 'expired', now });
    return undefined;
  }

  /** Ends the run of a locked session, if it has one. */
  *cancel(session: SessionState, now: Date): UnitOfWork<void> {
    const run = yield* this.lockActive(session, now);
    if (!run) return;
    yield* this.stop(session, run, now);
  }

  /** Ends a locked run of a locked session, which nobody finishes. Undefined if its answer is gone. */
  *stop(
    session: SessionState,
    run: ChatRun,
    now: Date,
  ): UnitOfWork<EndedRun | undefined> {
    const isExpired = isEnded(asOf(run, new Date()));
    const status = isExpired ? 'expired' : 'cancelled';
    return yield* this.end(session, run, { status, now });
  }

  /** Ends a locked run of a locked session. Undefined if its answer is gone. */
  *end(
    session: SessionState,
    run: ChatRun,
    { status, now, finish = (answer) => answer, usage, error }: Ending,
  ): UnitOfWork<EndedRun | undefined> {
    const answer = yield* this.written(session, run);
    if (!answer) {
      yield* this.runs.delete(session, run.seq);
      yield* this.sessions.update(session, { activeRunSeq: null }, { now });
      return undefined;
    }
    const message = finish(answer);
    message.status = status === 'completed' ? null : 'partial';
    const { leafSeq } = yield* this.trees.get(session);
    const changes = {
      status,
      leaseUntil: null,
      tail: '',
      interrupts: null,
      endedAt: (status === 'expired' && run.leaseUntil) || now,
      ...(usage && { usage }),
      ...(error !== undefined && { error }),
    };
    const fields: Partial<ChatSession> = {
      activeRunSeq: null,
      maxMessageBytes: Math.max(session.maxMessageBytes, message.bytes),
      ...(message.seq === leafSeq &&
        message.content !== '' && {
          preview: startOf(message.content, PREVIEW_CHARACTERS),
        }),
      ...(usage && { usage: yield* this.usages.sumWith(session, usage) }),
    };
    const first: Statement[] = [
      this.messages.change(message),
      this.runs.chunkDeletion(run),
      this.runs.change(run, changes),
      ...(usage ? [this.usages.insertion(run, usage, new Date())] : []),
    ];
    yield* this.sessions.update(session, fields, { now, first });
    return { run: Object.assign(run, changes), message };
  }

  /** The answer of a locked run as it is written so far. Undefined if an instance of the version before has hidden it. */
  *written(
    session: SessionState,
    run: ChatRun,
  ): UnitOfWork<PlacedMessage | undefined> {
    const tree = yield* this.trees.get(session);
    const found = yield* this.placed.findAll(session, tree, [run.messageId]);
    const message = found?.[0];
    // The id may have been used again.
    if (message?.seq !== run.seq) return undefined;
    const chunks =
      tailOffsetOf(run) > 0 ? yield* this.runs.lockChunks(run) : [];
    const { content, parts } = assembled(piecesOf(run, chunks));
    const written = { content: content ?? textOf(parts), parts };
    const json = jsonOf(exactArray([written.content, parts]));
    const added = Math.max(
      Buffer.byteLength(json),
      BYTES_PER_VALUE * shapeOf(json).values,
    );
    return Object.assign(message, written, { bytes: message.bytes + added });
  }

  /** The locked run of a locked session. */
  private *lockActive(
    session: SessionState,
    now: Date,
  ): UnitOfWork<ChatRun | undefined> {
    const seq = session.activeRunSeq;
    if (seq === null) return undefined;
    const run = yield* this.runs.lockBySeq(session, seq);
    if (run && !isCleared(session, seq)) return run;
    // An instance of the version before has deleted its message, or will soon.
    if (run) yield* this.runs.delete(session, seq);
    yield* this.sessions.update(session, { activeRunSeq: null }, { now });
    return undefined;
  }
}
