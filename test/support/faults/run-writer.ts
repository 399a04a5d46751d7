/**
 * A process that writes answers, until it is killed: `tsx run-writer.ts
 * DIRECTORY SESSION...`. DIRECTORY/url holds the URL of the service, which a
 * restart changes. It prints its journal, a line of JSON for each request
 * before it is sent and for each response: what is printed survives the kill.
 */
import { randomInt, randomUUID } from 'node:crypto';
import { readFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Entry, OutputContent } from './run-journal.js';

/** So short that runs of writers that were killed expire during the test. */
const LEASE_SECONDS = 5;
const LONGEST_PAUSE_MS = 1_000;
/** Far beyond every deadline of the tests. */
const CLIENT_TIMEOUT_MS = 30_000;
/** Parts of a second emoji, which an output may cut. */
const PAIR = ['\ud83d', '\ude00'];

interface Reply {
  status: number;
  body: {
    code?: string;
    offset?: number;
    run?: { id: string; status: string; fence: number; offset: number };
  };
}

const [directory, ...sessions] = process.argv.slice(2) as [string];

function note(entry: Entry): void {
  writeSync(1, `${JSON.stringify(entry)}\n`);
}

/** Sends a request until it gets a response that is not temporary. */
async function send(
  path: string,
  body: object,
  headers: Record<string, string> = {},
): Promise<Reply> {
  for (let tries = 1; ; tries++) {
    let retryAfterMs = 0;
    try {
      const url = readFileSync(join(directory, 'url'), 'utf8');
      const response = await fetch(`${url}/api/chat-sessions/${path}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...headers },
        body: JSON.stringify(body),
        signal: AbortSignal.timeout(CLIENT_TIMEOUT_MS),
      });
      const text = await response.text();
      const { status } = response;
      note({ kind: 'response', status });
      retryAfterMs = Number(response.headers.get('retry-after')) * 1000;
      const isTemporary =
        status >= 500 || status === 429 || (status === 409 && retryAfterMs > 0);
      if (!isTemporary) {
        return { status, body: JSON.parse(text) as Reply['body'] };
      }
    } catch {
      // The service is down or was killed before it responded.
      note({ kind: 'response', status: 0 });
    }
    const pause = Math.min(20 * 2 ** tries, LONGEST_PAUSE_MS);
    await sleep(retryAfterMs + pause * (0.5 + Math.random() / 2));
  }
}

/** Writes one answer after the other into a session, in turn with the writers of other processes. */
async function write(session: string): Promise<never> {
  for (;;) {
    const run = randomUUID();
    if (await start(session, run)) await new Writer(session, run).write();
    await sleep(randomInt(100));
  }
}

/** Resolves to whether the run is this writer's. */
async function start(session: string, run: string): Promise<boolean> {
  const [question, answer] = [`q ${run}`, `a ${run}`];
  note({ kind: 'start', session, run, question, answer });
  const { status, body } = await send(`${session}/runs`, {
    id: run,
    message_id: answer,
    messages: [{ id: question, role: 'user', content: question }],
    lease_seconds: LEASE_SECONDS,
    ...(randomInt(10) === 0 && { if_active: 'cancel' }),
  });
  if (status === 201 || status === 200) {
    note({ kind: 'started', run });
    return body.run!.status === 'active';
  }
  if (body.code !== 'run_active') unexpected(run, { status, body });
  await sleep(randomInt(500));
  return false;
}

function unexpected(run: string, { status, body }: Reply): void {
  note({ kind: 'unexpected', run, text: `${status} ${JSON.stringify(body)}` });
}

class Writer {
  private offset = 0;
  private fence = 1;
  private hasEnded = false;

  constructor(
    private readonly session: string,
    private readonly run: string,
  ) {}

  async write(): Promise<void> {
    const count = randomInt(30);
    for (let i = 0; i < count && !this.hasEnded; i++) {
      const cut = randomInt(4) === 0;
      await this.output(cut ? `${word()}${PAIR[0]!}` : this.content());
      if (cut && !this.hasEnded) await this.output(PAIR[1]! + word());
      if (randomInt(10) === 0) await this.leaveGap();
      if (randomInt(40) === 0) await this.pause();
      await sleep(randomInt(80));
    }
    // Some writers leave it to the lease.
    if (!this.hasEnded && randomInt(10) > 0) await this.finish();
  }

  private content(): OutputContent {
    const kind = randomInt(10);
    if (kind === 0) return [{ type: 'tool_call', id: word() }];
    // Beyond the text that is kept in the row of the run.
    if (kind === 1) return word() + 'x'.repeat(randomInt(3_000));
    return Array.from({ length: randomInt(1, 8) }, word).join('');
  }

  private async output(content: OutputContent): Promise<void> {
    const { run, offset } = this;
    note({ kind: 'output', run, content });
    const reply = await this.post('output', { offset, ...fieldOf(content) });
    this.learn(reply);
    if (reply.status !== 200) return;
    this.offset += content.length;
    note({ kind: 'acknowledged', run, offset: reply.body.offset! });
  }

  /** A client that has lost count is told where to go on. */
  private async leaveGap(): Promise<void> {
    if (this.hasEnded) return;
    const offset = this.offset + randomInt(1, 5);
    const reply = await this.post('output', { offset, text: 'GAP' });
    if (reply.body.code === 'offset_mismatch') {
      note({ kind: 'mismatch', run: this.run, offset: reply.body.offset! });
    } else this.learn(reply);
  }

  /** Asks a question, answers it, and goes on with another fence. */
  private async pause(): Promise<void> {
    if (this.hasEnded) return;
    const path = `${this.session}/runs/${this.run}`;
    this.learn(await this.post('pause', { interrupts: [{ id: 'pay' }] }));
    if (this.hasEnded) return;
    const answer = { answer: { approved: true } };
    const answered = await send(`${path}/interrupts/pay`, answer);
    // It was this answer if its response was lost.
    if (answered.body.code !== 'interrupt_answered') this.learn(answered);
    if (this.hasEnded) return;
    const key = { 'idempotency-key': randomUUID() };
    const resumed = await send(`${path}/resume`, {}, key);
    this.learn(resumed);
    if (this.hasEnded) return;
    const { fence } = resumed.body.run!;
    const stale = await this.post('output', { offset: 0, text: 'STALE' });
    if (stale.body.code !== 'fence_stale') this.learn(stale);
    if (stale.status === 200) unexpected(this.run, stale);
    this.fence = fence;
  }

  private async finish(): Promise<void> {
    const { run } = this;
    const status = randomInt(4) === 0 ? 'failed' : 'completed';
    const usage = {
      model: ['large', 'small'][randomInt(2)]!,
      input_tokens: randomInt(1, 1_000),
      output_tokens: randomInt(1, 1_000),
      cost: randomInt(1, 1_000_000) / 1e9,
    };
    const error = status === 'failed' && { error: { code: 'overloaded' } };
    note({ kind: 'finish', run, status, usage });
    const reply = await this.post('finish', { status, usage, ...error });
    this.learn(reply);
    if (reply.status === 200) note({ kind: 'ended', run, status });
  }

  private post(action: string, body: object): Promise<Reply> {
    const path = `${this.session}/runs/${this.run}/${action}`;
    return send(path, { fence: this.fence, ...body });
  }

  private learn(reply: Reply): void {
    const { status, body } = reply;
    if (status === 200) return;
    this.hasEnded = true;
    if (body.code === 'run_ended') {
      note({ kind: 'ended', run: this.run, status: body.run!.status });
    } else unexpected(this.run, reply);
  }
}

/** Each is unique. */
function word(): string {
  return `${randomUUID()} `;
}

function fieldOf(content: OutputContent): object {
  return typeof content === 'string' ? { text: content } : { parts: content };
}

await Promise.all(sessions.map(write));
