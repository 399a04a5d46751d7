import { randomInt, randomUUID } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Message, MessagePage, Session } from '../api.js';
import type { Run } from '../runs.js';
import { NodeProcess, ROOT } from '../service-process.js';
import { temporaryDirectory } from '../temporary-directory.js';
import {
  type Entry,
  flat,
  type OutputContent,
  RunRecord,
  type SentUsage,
} from './run-journal.js';

const WRITER = join(ROOT, 'test/support/faults/run-writer.ts');
const WRITERS = 2;
/** Leases are 5 s, and clocks of one machine agree. */
const LEASE_MS = 5_000;
const SETTLE_LIMIT_MS = 60_000;
const LONGEST_PAUSE_MS = 1_000;
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

/**
 * Processes that write answers into the same sessions, in turn, somebody who
 * cancels them, and readers. Writers are killed and replaced.
 */
export class RunWorkload {
  /** The number of responses by status; 0 counts requests without one. */
  readonly responses = new Map<number, number>();
  kills = 0;
  private readonly directory = temporaryDirectory();
  private readonly sessions: string[] = [];
  private readonly records = new Map<string, RunRecord>();
  private readonly violations: string[] = [];
  /** How runs ended, according to those who cancelled them. */
  private readonly cancelled: [run: string, status: string][] = [];
  private writers: Journal[] = [];
  private readonly journals: Journal[] = [];

  /** @param url of the service; it may change with a restart */
  constructor(private readonly url: () => string) {}

  async createSessions(count: number): Promise<void> {
    for (let i = 0; i < count; i++) {
      const id = randomUUID();
      await this.request('POST', 'chat-sessions', { id });
      this.sessions.push(id);
    }
  }

  /** Writes, cancels and reads while `work` runs. Then all writers are killed. */
  async during(work: () => Promise<void>): Promise<void> {
    let isOver = false;
    this.followService();
    for (let i = 0; i < WRITERS; i++) this.addWriter();
    const watching = Promise.all(
      this.sessions.map(async (session) => {
        while (!isOver) {
          await sleep(randomInt(300));
          await this.watch(session);
        }
      }),
    );
    watching.catch(() => undefined); // Awaited below, after the work.
    try {
      await work();
      await sleep(1_000); // Some runs end after the last fault.
    } finally {
      isOver = true;
      for (const { process } of this.writers) await process.stop('SIGKILL');
      await watching;
    }
  }

  /** Tells the writers the URL of a service that was restarted. */
  followService(): void {
    writeFileSync(join(this.directory, 'url'), this.url());
  }

  async killWriter(): Promise<void> {
    const [writer] = this.writers.splice(randomInt(this.writers.length), 1);
    await writer!.process.stop('SIGKILL');
    this.addWriter();
    this.kills++;
  }

  /** Waits until all runs have ended, reads everything, and compares. */
  async verify(): Promise<RunVerdict> {
    this.learn();
    for (const [run, status] of this.cancelled) {
      this.records.get(run)?.end(status);
    }
    const verdict: RunVerdict = {
      runs: 0,
      acks: 0,
      ends: {},
      ...NO_FAULTS,
      violations: [...this.violations],
    };
    const counted = await this.countedUsage();
    await Promise.all(
      this.sessions.map((session) => this.check(session, verdict)),
    );
    const after = await this.countedUsage();
    for (const session of this.sessions) {
      // Nothing is counted when a run ends by itself.
      if (counted.get(session) !== after.get(session)) verdict.miscounted++;
    }
    for (const { acks, violations, run } of this.records.values()) {
      verdict.acks += acks;
      verdict.violations.push(...violations.map((text) => `${run}: ${text}`));
    }
    return verdict;
  }

  private addWriter(): void {
    const args = ['--import', 'tsx', WRITER, this.directory, ...this.sessions];
    const journal = new Journal(new NodeProcess(args, {}, ROOT));
    this.writers.push(journal);
    this.journals.push(journal);
  }

  /** Reads what the writers have noted since. */
  private learn(): void {
    for (const journal of this.journals) {
      for (const entry of journal.read()) {
        if (entry.kind === 'response') {
          this.count(entry.status);
          if (entry.status === 500) this.violations.push('a writer got 500');
        } else if (entry.kind === 'start') {
          const { session, run, question, answer } = entry;
          this.records.set(run, new RunRecord(session, run, question, answer));
        } else this.records.get(entry.run)!.add(entry);
      }
    }
  }

  /** Reads a session, which must show what was acknowledged before, and sometimes cancels its run. */
  private async watch(session: string): Promise<void> {
    this.learn();
    const known = new Map(
      [...this.records.values()].map((one) => [one.answer, one.acknowledged]),
    );
    const read = await this.tryOnce<{ chat_session: Session }>(
      'GET',
      `chat-sessions/${session}`,
    );
    if (read?.status !== 200) return;
    const { messages, active_run: run } = read.body.chat_session;
    for (const { id, ...message } of messages) {
      // The other half of a pair may have come since.
      const acknowledged = known.get(id)?.replace(/[\ud800-\udbff]$/, '');
      if (!shown(message).startsWith(acknowledged ?? '')) {
        this.violations.push(`${id}: a reader misses acknowledged output`);
      }
    }
    if (!run || randomInt(12) > 0) return;
    const path = `chat-sessions/${session}/runs/${run.id}/cancel`;
    const cancel = await this.tryOnce<{ run: Run }>('POST', path, {});
    if (cancel?.status !== 200) return;
    this.cancelled.push([run.id, cancel.body.run.status]);
  }

  private async check(session: string, verdict: RunVerdict): Promise<void> {
    const { messages: newest, ...shownSession } = await this.settled(session);
    const messages = await this.messagesOf(session);
    const json = new Map(messages.map((one) => [one.id, JSON.stringify(one)]));
    verdict.different += newest.filter(
      (one) => json.get(one.id) !== JSON.stringify(one),
    ).length;
    const records = [...this.records.values()].filter(
      (one) => one.session === session,
    );
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

  private get<Body>(path: string): Promise<Body> {
    return this.request<Body>('GET', path);
  }

  /** Repeats a request until it succeeds. */
  private async request<Body>(
    method: string,
    path: string,
    body?: object,
  ): Promise<Body> {
    for (let tries = 1; ; tries++) {
      const reply = await this.tryOnce<Body>(method, path, body);
      if (reply && reply.status < 300) return reply.body;
      if (reply && reply.status < 500 && reply.status !== 429) {
        throw new Error(`${method} ${path}: ${JSON.stringify(reply)}`);
      }
      if (tries > 100) throw new Error(`${method} ${path}: no response`);
      await sleep(Math.min(20 * 2 ** tries, LONGEST_PAUSE_MS));
    }
  }

  /** Resolves to undefined if there is no response. */
  private async tryOnce<Body>(
    method: string,
    path: string,
    body?: object,
  ): Promise<{ status: number; body: Body } | undefined> {
    try {
      const response = await fetch(`${this.url()}/api/${path}`, {
        method,
        headers: body && { 'content-type': 'application/json' },
        body: body && JSON.stringify(body),
        signal: AbortSignal.timeout(30_000),
      });
      const text = await response.text();
      this.count(response.status);
      return { status: response.status, body: JSON.parse(text) as Body };
    } catch {
      this.count(0);
      return undefined;
    }
  }

  private count(status: number): void {
    this.responses.set(status, (this.responses.get(status) ?? 0) + 1);
  }
}

type UsageSums = Omit<SentUsage, 'model'> & { runs: number };

/** The entries that a writer has printed. */
class Journal {
  private position = 0;

  constructor(readonly process: NodeProcess) {}

  /** Those since the last call. A writer that was killed may leave half a line, which it has not acted on. */
  read(): Entry[] {
    const { stdout } = this.process;
    const end = stdout.lastIndexOf('\n') + 1;
    if (end <= this.position) return [];
    const lines = stdout.slice(this.position, end - 1).split('\n');
    this.position = end;
    return lines.map((line) => JSON.parse(line) as Entry);
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

function shown({ content, parts }: Pick<Message, 'content' | 'parts'>): string {
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
