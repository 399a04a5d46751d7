import { setTimeout as sleep } from 'node:timers/promises';
import type { Message, MessagePage, Session } from '../api.js';
import type { Run } from '../runs.js';
import {
  flat,
  type OutputContent,
  type RunRecord,
  type SentUsage,
} from './run-journal.js';

/** Leases are 5 s, and clocks of one machine agree. */
const LEASE_MS = 5_000;
const SETTLE_LIMIT_MS = 60_000;
const ENDINGS = ['completed', 'failed', 'cancelled', 'expired'];
const TOKEN = /[0-9a-f]{8}-[0-9a-f-]{27}/g;

export interface RunVerdict {
  runs: number;
  /** Acknowledged outputs. */
  acks: number;
  /** How the runs ended. */
  ends: Record<string, number>;
  /** Words of acknowledged outputs that are not stored. */
  lost: number;
  /** Words that are stored twice. */
  doubled: number;
  /** Answers that are neither what was acknowledged nor that and the output in flight. */
  torn: number;
  /** Messages that are not where their turn is, or have words of another turn. */
  interleaved: number;
  /** Messages of which two readers got different bytes. */
  different: number;
  /** Runs and sessions whose usage is not what was sent, once. */
  miscounted: number;
  /** Responses that contradict each other, or miss what was acknowledged. */
  violations: string[];
}

export const NO_FAULTS = {
  lost: 0,
  doubled: 0,
  torn: 0,
  interleaved: 0,
  different: 0,
  miscounted: 0,
  violations: [],
} satisfies Partial<RunVerdict>;

type UsageSums = Omit<SentUsage, 'model'> & { runs: number };

/** Reads sessions as a client does, and compares them with what the writers of their runs know. */
export class RunAudit {
  readonly verdict: RunVerdict = {
    runs: 0,
    acks: 0,
    ends: {},
    ...NO_FAULTS,
    violations: [],
  };

  /** @param get sends a GET to a path below /api until it succeeds */
  constructor(
    private readonly records: readonly RunRecord[],
    private readonly get: <Body>(path: string) => Promise<Body>,
  ) {}

  /** Waits until all runs have ended. */
  async of(sessions: readonly string[]): Promise<RunVerdict> {
    const { verdict } = this;
    await Promise.all(sessions.map((session) => this.check(session)));
    for (const { acks, violations, run } of this.records) {
      verdict.acks += acks;
      verdict.violations.push(...violations.map((text) => `${run}: ${text}`));
    }
    return verdict;
  }

  private async check(session: string): Promise<void> {
    const { verdict } = this;
    const { messages: newest, ...shownSession } = await this.settled(session);
    const messages = await this.messagesOf(session);
    const json = new Map(messages.map((one) => [one.id, JSON.stringify(one)]));
    verdict.different += newest.filter(
      (one) => json.get(one.id) !== JSON.stringify(one),
    ).length;
    const records = this.records.filter((one) => one.session === session);
    const owners = new Map(
      records.flatMap((one) => [
        [one.question, one],
        [one.answer, one],
      ]),
    );
    if (shownSession.message_count !== messages.length) verdict.interleaved++;
    const sums = { runs: 0, input_tokens: 0, output_tokens: 0, nanos: 0 };
    for (const [index, message] of messages.entries()) {
      const record = owners.get(message.id);
      const isQuestion = index % 2 === 0;
      const isInPlace =
        record?.[isQuestion ? 'question' : 'answer'] === message.id &&
        message.seq === index + 1 &&
        message.parent_id === (messages[index - 1]?.id ?? null) &&
        (isQuestion || messages[index - 1]!.id === record.question);
      if (!isInPlace) verdict.interleaved++;
      if (isQuestion || !record) continue;
      const path = `chat-sessions/${session}`;
      const single = await this.get<{ message: Message }>(
        `${path}/messages/${encodeURIComponent(message.id)}`,
      );
      if (JSON.stringify(single.message) !== json.get(message.id)) {
        verdict.different++;
      }
      const { run } = await this.get<{ run: Run }>(
        `${path}/runs/${record.run}`,
      );
      compare(record, { run, message }, verdict);
      if (!run.usage) continue;
      sums.runs++;
      sums.input_tokens += run.usage.input_tokens;
      sums.output_tokens += run.usage.output_tokens;
      sums.nanos += nanosOf(run.usage);
    }
    for (const { answer, isStarted, acknowledged } of records) {
      if (!isStarted || json.has(answer)) continue;
      verdict.lost += 1 + tokensOf(acknowledged).length;
    }
    const { usage } = shownSession;
    const isSummed =
      sums.runs === 0
        ? usage === undefined
        : usage?.runs === sums.runs &&
          usage.input_tokens === sums.input_tokens &&
          usage.output_tokens === sums.output_tokens &&
          nanosOf(usage) === sums.nanos;
    const counted = (await this.countedUsage()).get(session);
    if (!isSummed || counted !== (usage && sumsOf(usage))) {
      verdict.miscounted++;
    }
  }

  /** The session once it has no run any more. */
  private async settled(session: string): Promise<Session> {
    const deadline = Date.now() + SETTLE_LIMIT_MS;
    for (;;) {
      const { chat_session: found } = await this.get<{ chat_session: Session }>(
        `chat-sessions/${session}`,
      );
      const isOpen = found.messages.some(({ status }) => status === 'open');
      if (!found.active_run && !isOpen) return found;
      if (Date.now() > deadline) throw new Error('A run has not ended');
      await sleep(200);
    }
  }

  private async messagesOf(session: string): Promise<Message[]> {
    const messages: Message[] = [];
    let page: MessagePage;
    do {
      const after = messages.at(-1)?.seq ?? 0;
      page = await this.get(
        `chat-sessions/${session}/messages?limit=200&after=${after}`,
      );
      messages.push(...page.messages);
    } while (page.has_after);
    return messages;
  }

  /** The sums of `GET /api/usage` by session. */
  private async countedUsage(): Promise<Map<string, string>> {
    const { usage } = await this.get<{
      usage: (UsageSums & { session_id: string })[];
    }>('usage?by=session&limit=1000');
    return new Map(usage.map((one) => [one.session_id, sumsOf(one)]));
  }
}

/** Compares a run that has ended, and its answer, with what its writer knows. */
function compare(
  record: RunRecord,
  { run, message }: { run: Run; message: Message },
  verdict: RunVerdict,
): void {
  const { status, usage } = run;
  verdict.runs++;
  verdict.ends[status] = (verdict.ends[status] ?? 0) + 1;
  const answer = shown(message);
  const stored = tokensOf(answer);
  const acknowledged = tokensOf(record.acknowledged);
  const sent = new Set(tokensOf(record.acknowledged + (record.pending ?? '')));
  verdict.lost += acknowledged.filter((one) => !stored.includes(one)).length;
  verdict.doubled += stored.length - new Set(stored).size;
  if (stored.some((one) => !sent.has(one))) verdict.interleaved++;
  if (!record.allows(answer)) verdict.torn++;
  const isByWriter = status === 'completed' || status === 'failed';
  const lasted = Date.parse(run.ended_at!) - Date.parse(run.started_at);
  const isRight =
    ENDINGS.includes(status) &&
    (record.ended ?? status) === status &&
    (!isByWriter || record.finish === status) &&
    (status !== 'expired' || lasted >= LEASE_MS) &&
    message.status === (status === 'completed' ? undefined : 'partial');
  if (!isRight) {
    verdict.violations.push(
      `${record.run}: ${status} after ${lasted} ms, ${message.status}, for the writer ${record.ended} by ${record.finish}`,
    );
  }
  const expected = isByWriter ? record.usage : undefined;
  const isCounted =
    usage?.model === expected?.model &&
    usage?.input_tokens === expected?.input_tokens &&
    usage?.output_tokens === expected?.output_tokens &&
    usage?.cost === expected?.cost;
  if (!isCounted) verdict.miscounted++;
}

/** A message as one text. */
export function shown({
  content,
  parts,
}: Pick<Message, 'content' | 'parts'>): string {
  if (!parts) return content;
  return parts
    .map((part) =>
      part.type === 'text'
        ? (part.text as string)
        : flat([part] as unknown as OutputContent),
    )
    .join('');
}

function tokensOf(text: string): string[] {
  return text.match(TOKEN) ?? [];
}

function sumsOf(usage: UsageSums): string {
  const { runs, input_tokens, output_tokens } = usage;
  return [runs, input_tokens, output_tokens, nanosOf(usage)].join();
}

function nanosOf({ cost }: { cost: number }): number {
  return Math.round(cost * 1e9);
}
