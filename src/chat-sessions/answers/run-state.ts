import { exactly } from '../../json/exact-json.js';
import { ChatSessionsError, type ChatSessionsErrorCode } from '../errors.js';
import {
  ChatRun,
  type Interrupt,
  type RunStatus,
  type Usage,
} from '../store/entities/chat-run.entity.js';
import { firstSeqOf } from '../tree/stored-tree.js';

/** A run as a response has it. */
export interface RunBody {
  id: string;
  status: RunStatus;
  message_id: string;
  fence: number;
  lease_seconds: number;
  lease_until: string | null;
  offset: number;
  metadata: Record<string, unknown>;
  error: unknown;
  interrupts: Interrupt[];
  usage?: Usage;
  started_at: string;
  ended_at: string | null;
}

/** Statuses of runs that have not ended. */
const OPEN: readonly RunStatus[] = ['active', 'waiting', 'ready'];

export function isEnded({ status }: ChatRun): boolean {
  return !OPEN.includes(status);
}

/** A run as it is now: one whose lease has run out has expired, also if nobody has written that down yet. */
export function asOf(run: ChatRun, now: Date): ChatRun {
  const { status, leaseUntil } = run;
  const isExpired =
    status === 'active' && leaseUntil !== null && leaseUntil <= now;
  return isExpired
    ? Object.assign(new ChatRun(), run, {
        status: 'expired',
        leaseUntil: null,
        endedAt: leaseUntil,
      })
    : run;
}

/** Whether the answer at a seq was cleared. Its run waits for its removal, or was active for an instance of the version before, which does not know it. */
export function isCleared(
  session: Parameters<typeof firstSeqOf>[0],
  seq: number,
): boolean {
  return seq < firstSeqOf(session);
}

export function leaseOf(run: Pick<ChatRun, 'leaseSeconds'>, now: Date): Date {
  return new Date(now.getTime() + run.leaseSeconds * 1000);
}

/** Whether the caller is the run's writer. */
export function isWriter(
  run: Pick<ChatRun, 'status' | 'fence' | 'leaseUntil'>,
  fence: number,
  now: Date,
): boolean {
  const { status, leaseUntil } = run;
  const isActive = status === 'active' && leaseUntil! > now;
  return isActive && fence === run.fence;
}

/** Throws `run_ended`, `run_waiting` or `fence_stale` unless the caller is the run's writer. */
export function checkWriter(run: ChatRun, fence: number): void {
  if (isEnded(run)) throw runError('run_ended', run);
  if (fence !== run.fence) throw runError('fence_stale', run);
  if (run.status !== 'active') throw runError('run_waiting', run);
}

/** An error whose body has the run. */
export function runError(
  code: ChatSessionsErrorCode,
  run: ChatRun,
): ChatSessionsError {
  return new ChatSessionsError(code, { run: toRunBody(run) });
}

export function toRunBody(run: ChatRun): RunBody {
  return {
    id: run.id,
    status: run.status,
    message_id: run.messageId,
    fence: run.fence,
    lease_seconds: run.leaseSeconds,
    lease_until: run.leaseUntil?.toISOString() ?? null,
    offset: run.endOffset,
    metadata: exactly(run.metadata),
    error: exactly(run.error),
    interrupts: exactly(run.interrupts ?? []),
    ...(run.usage && { usage: run.usage }),
    started_at: run.startedAt.toISOString(),
    ended_at: run.endedAt?.toISOString() ?? null,
  };
}
