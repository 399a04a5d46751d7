import { randomInt, randomUUID } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Session } from '../api.js';
import type { Run } from '../runs.js';
import { NodeProcess, ROOT } from '../service-process.js';
import { temporaryDirectory } from '../temporary-directory.js';
import { RunAudit, type RunVerdict, shown } from './run-audit.js';
import { type Entry, RunRecord } from './run-journal.js';

const WRITER = join(ROOT, 'test/support/faults/run-writer.ts');
const WRITERS = 2;
/** Longer than a lease. */
const PAUSE_MS = 6_000;
const LONGEST_PAUSE_MS = 1_000;

/**
 * Processes that write answers into the same sessions, in turn, somebody who
 * cancels them, and readers. Writers are killed and replaced.
 */
export class RunWorkload {
  /** The number of responses by status; 0 counts requests without one. */
  readonly responses = new Map<number, number>();
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
  }

  /** Lets a writer miss the end of its leases. It goes on where it was. */
  async pauseWriter(): Promise<void> {
    const [writer] = this.writers.splice(randomInt(this.writers.length), 1);
    writer!.process.signal('SIGSTOP');
    await sleep(PAUSE_MS);
    writer!.process.signal('SIGCONT');
    this.writers.push(writer!);
  }

  /** Waits until all runs have ended, reads everything, and compares. */
  async verify(): Promise<RunVerdict> {
    this.learn();
    for (const session of this.sessions) await this.endWaiting(session);
    for (const [run, status] of this.cancelled) {
      this.records.get(run)?.end(status);
    }
    const audit = new RunAudit([...this.records.values()], (path) =>
      this.request('GET', path),
    );
    audit.verdict.violations.push(...this.violations);
    return audit.of(this.sessions);
  }

  /** A run that waits for an answer does not expire. */
  private async endWaiting(session: string): Promise<void> {
    const path = `chat-sessions/${session}`;
    const { chat_session } = await this.request<{ chat_session: Session }>(
      'GET',
      path,
    );
    const { active_run: run } = chat_session;
    if (!run || run.status === 'active') return;
    const cancel = `${path}/runs/${run.id}/cancel`;
    const ended = await this.request<{ run: Run }>('POST', cancel, {});
    this.cancelled.push([run.id, ended.run.status]);
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
    if (!run || randomInt(25) > 0) return;
    const path = `chat-sessions/${session}/runs/${run.id}/cancel`;
    const cancel = await this.tryOnce<{ run: Run }>('POST', path, {});
    if (cancel?.status !== 200) return;
    this.cancelled.push([run.id, cancel.body.run.status]);
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
