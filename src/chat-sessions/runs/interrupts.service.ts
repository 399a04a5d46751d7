import { Injectable } from '@nestjs/common';
import { execute, type UnitOfWork } from '../../database/unit-of-work.js';
import {
  canonicalJsonOf,
  exactArray,
  exactItems,
  exactly,
  exactlyWith,
} from '../../json/exact-json.js';
import {
  asOf,
  checkWriter,
  isCleared,
  isEnded,
  leaseOf,
  runError,
} from '../answers/run-state.js';
import { ChatSessionsError } from '../errors.js';
import { ChatRunsRepository } from '../store/chat-runs.repository.js';
import {
  ChatSessionsRepository,
  type SessionState,
} from '../store/chat-sessions.repository.js';
import type { ChatRun, Interrupt } from '../store/entities/chat-run.entity.js';
import type { JsonObject } from '../store/entities/chat-session.entity.js';
import {
  SessionWrites,
  type WriteOptions,
  type Written,
} from '../writes/session-writes.js';
import { runNotFound } from './run-not-found.js';
import type { RunKey } from './runs.service.js';

export interface Changed extends Written {
  run: ChatRun;
}

/** Runs that wait for answers of a user. They have no writer and no lease meanwhile, and do not expire. */
@Injectable()
export class InterruptsService {
  constructor(
    private readonly sessions: ChatSessionsRepository,
    private readonly runs: ChatRunsRepository,
    private readonly writes: SessionWrites,
  ) {}

  /** Lets the run wait. Sent again, it returns the run, also if some interrupts are answered. Throws EntityNotFoundError, `run_ended`, `run_waiting`, `fence_stale`. */
  pause(
    key: RunKey,
    { fence, interrupts }: { fence: number; interrupts: Interrupt[] },
  ): Promise<Changed> {
    return this.change(key, (run, now) => {
      const isRepeated =
        run.fence === fence &&
        (run.status === 'waiting' || run.status === 'ready') &&
        areAsked(run.interrupts ?? [], exactItems(interrupts));
      if (isRepeated) return {};
      checkWriter(asOf(run, now), fence);
      return { status: 'waiting', interrupts, leaseUntil: null };
    });
  }

  /**
   * Answers an interrupt. The first answer counts; the last missing one makes
   * the run `ready`. Throws EntityNotFoundError, `run_ended`, and
   * `interrupt_answered`, which has the first answer.
   */
  answer(
    key: RunKey,
    interruptId: string,
    answer: JsonObject,
  ): Promise<Changed> {
    return this.change(key, (run) => {
      if (isEnded(run)) throw runError('run_ended', run);
      const interrupts = run.interrupts ?? [];
      const interrupt = interrupts.find(({ id }) => id === interruptId);
      if (!interrupt) throw runNotFound(key, interruptId);
      if (interrupt.answer !== undefined) {
        throw new ChatSessionsError('interrupt_answered', {
          interrupt: exactly(interrupt),
        });
      }
      const answered = exactArray(
        interrupts.map((one) =>
          one === interrupt ? exactlyWith(one, { answer }) : one,
        ),
      );
      const isReady = answered.every((one) => one.answer !== undefined);
      return {
        interrupts: answered,
        ...(isReady && { status: 'ready' as const }),
      };
    });
  }

  /** Makes the caller the writer of a run that is ready, with a new fence. Throws EntityNotFoundError, `run_ended`, `run_not_ready`, `key_reused`, `key_in_use`. */
  resume(
    key: RunKey,
    { leaseSeconds }: { leaseSeconds?: number } = {},
    options?: WriteOptions,
  ): Promise<Changed> {
    return this.change(
      key,
      (stored, now) => {
        const run = asOf(stored, now);
        if (isEnded(run)) throw runError('run_ended', run);
        if (run.status !== 'ready') throw runError('run_not_ready', run);
        const lease = { leaseSeconds: leaseSeconds ?? run.leaseSeconds };
        return {
          ...lease,
          status: 'active',
          fence: run.fence + 1,
          leaseUntil: leaseOf(lease, now),
        };
      },
      options,
    );
  }

  /** Changes a run, and not its session. */
  private change(
    { runId, ...key }: RunKey,
    changesOf: (run: ChatRun, now: Date) => Partial<ChatRun>,
    options?: WriteOptions,
  ): Promise<Changed> {
    return this.writes.run<Changed>(
      key,
      {
        type: 'updated',
        isAllowedDuringRun: true,
        apply: (session) => this.apply(session, runId, changesOf),
        replay: ({ ownerId, sessionId }) =>
          this.find({ ownerId, id: sessionId, runId }),
      },
      options,
    );
  }

  private *apply(
    session: SessionState,
    runId: string,
    changesOf: (run: ChatRun, now: Date) => Partial<ChatRun>,
  ): UnitOfWork<Changed> {
    const run = yield* this.runs.lock(session, runId);
    if (!run || isCleared(session, run.seq)) {
      throw runNotFound(session, runId);
    }
    const changes = changesOf(run, new Date());
    if (Object.keys(changes).length > 0) {
      yield* execute(this.runs.change(run, changes));
    }
    return { session, run: Object.assign(run, changes), created: false };
  }

  private *find({ ownerId, id, runId }: RunKey): UnitOfWork<Changed> {
    const session = yield* this.sessions.state(ownerId, id);
    const run = yield* this.runs.find(session, { id: runId });
    if (!run) throw runNotFound(session, runId);
    return { session, run: asOf(run, new Date()), created: false };
  }
}

/** Whether interrupts, some of which may be answered, are those that were sent. */
function areAsked(stored: Interrupt[], sent: Interrupt[]): boolean {
  const isSame = (one: Interrupt, index: number) => {
    const { answer } = stored[index]!;
    const asked = answer === undefined ? one : exactlyWith(one, { answer });
    return canonicalJsonOf(asked) === canonicalJsonOf(stored[index]);
  };
  return stored.length === sent.length && sent.every(isSame);
}
