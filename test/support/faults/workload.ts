import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Message, MessagePage, Session } from '../api.js';

/** A client gives up on an answer after this long. */
const CLIENT_TIMEOUT_MS = 15_000;
const LONGEST_PAUSE_MS = 1_000;
const NO_ANSWER = 0;
const BATCH = 3;

/** A message that the service has acknowledged. */
interface Ack {
  /** Its text, which no other has. */
  token: string;
  seq: number;
}

interface Append {
  path: string;
  body: string;
  headers?: Record<string, string>;
}

export interface Verdict {
  acks: number;
  lost: number;
  doubled: number;
  /** Batches of which only some messages are stored, acknowledged or not. */
  halves: number;
  /** Sessions whose seqs are not 1, 2, 3 ..., or whose count is not that of their messages. */
  gaps: number;
}

/**
 * Clients that append to some sessions, now one message and now several, and
 * where an answer fails send the same request again, as clients should: with the
 * messages' own ids, or with an Idempotency-Key. Keeps a journal of what they
 * were told.
 */
export class Workload {
  readonly acks: Ack[] = [];
  /** Requests that were acknowledged. */
  appends = 0;
  /** Answers by status; 0 is none. */
  readonly answers = new Map<number, number>();
  /** Milliseconds of the slowest answer. */
  longestAnswer = 0;
  /** Milliseconds of the longest time in which nothing was acknowledged. */
  longestStall = 0;
  /** Answers 429 and 503 that do not say when to come back. */
  withoutRetryAfter = 0;
  private lastAckAt = performance.now();
  private readonly sessionIds: string[] = [];
  /** The texts of the messages of each batch that was sent. */
  private readonly batches: string[][] = [];
  private isStopped = false;
  private turn = 0;

  /** @param url of the service, which may change when it is restarted */
  constructor(private readonly url: () => string) {}

  async createSessions(count: number): Promise<void> {
    for (let i = 0; i < count; i++) {
      const id = randomUUID();
      await this.untilDone('chat-sessions', JSON.stringify({ id }));
      this.sessionIds.push(id);
    }
  }

  /** Appends so many messages, by so many clients at once; ends early when stopped. */
  async append(messages: number, clients: number): Promise<void> {
    let left = messages;
    this.lastAckAt = performance.now();
    await Promise.all(
      Array.from({ length: clients }, async () => {
        while (left-- > 0 && !this.isStopped) await this.appendOne();
      }),
    );
  }

  stop(): void {
    this.isStopped = true;
  }

  /** Appends without another try; resolves to the status. */
  async tryOnce(): Promise<number> {
    const { path, body, headers } = this.nextAppend();
    const { status, text } = await this.send('POST', path, body, headers);
    if (status === 201) this.acknowledge(text);
    return status;
  }

  /** Reads everything back and holds it against the journal. */
  async verify(): Promise<Verdict> {
    let gaps = 0;
    const seqsOf = new Map<string, number[]>();
    for (const sessionId of this.sessionIds) {
      const messages = await this.messagesOf(sessionId);
      for (const { content, seq } of messages) {
        seqsOf.set(content, [...(seqsOf.get(content) ?? []), seq]);
      }
      const { chat_session: session } = await this.get<{
        chat_session: Session;
      }>(`chat-sessions/${sessionId}?messages=0`);
      const isWhole =
        messages.every(({ seq }, index) => seq === index + 1) &&
        session.message_count === messages.length;
      if (!isWhole) gaps++;
    }
    return {
      acks: this.acks.length,
      lost: this.acks.filter(({ token, seq }) => {
        return !seqsOf.get(token)?.includes(seq);
      }).length,
      doubled: [...seqsOf.values()].filter(({ length }) => length > 1).length,
      halves: this.batches.filter((tokens) => {
        const stored = tokens.filter((token) => seqsOf.has(token)).length;
        return stored > 0 && stored < tokens.length;
      }).length,
      gaps,
    };
  }

  private async appendOne(): Promise<void> {
    const { path, body, headers } = this.nextAppend();
    const text = await this.untilDone(path, body, headers);
    if (text === undefined) return;
    this.acknowledge(text);
    const now = performance.now();
    this.longestStall = Math.max(this.longestStall, now - this.lastAckAt);
    this.lastAckAt = now;
  }

  /** @param text the answer's body */
  private acknowledge(text: string): void {
    const { message, messages = [message!] } = JSON.parse(text) as {
      message?: Message;
      messages?: Message[];
    };
    this.appends++;
    for (const { content, seq } of messages) {
      this.acks.push({ token: content, seq });
    }
  }

  private nextAppend(): Append {
    const turn = this.turn++;
    const sessionId = this.sessionIds[turn % this.sessionIds.length]!;
    const path = `chat-sessions/${sessionId}/messages`;
    const isBatch = turn % 5 === 0;
    const tokens = Array.from({ length: isBatch ? BATCH : 1 }, () =>
      randomUUID(),
    );
    if (isBatch) this.batches.push(tokens);
    const isKeyed = turn % 2 === 0;
    const messages = tokens.map((token) => ({
      ...(!isKeyed && { id: token }),
      role: 'user',
      content: token,
    }));
    return {
      path,
      body: JSON.stringify(isBatch ? { messages } : messages[0]),
      headers: isKeyed ? { 'idempotency-key': tokens[0]! } : undefined,
    };
  }

  /** The body of the first good answer; undefined where the workload was stopped before. */
  private async untilDone(
    path: string,
    body: string,
    headers?: Record<string, string>,
  ): Promise<string | undefined> {
    for (let tries = 1; ; tries++) {
      const answer = await this.send('POST', path, body, headers);
      const { status, text, retryAfterMs } = answer;
      if (status === 200 || status === 201) return text;
      const mayPass =
        status === NO_ANSWER ||
        status === 429 ||
        status >= 500 ||
        (status === 409 && retryAfterMs > 0);
      if (!mayPass) throw new Error(`${status} ${text}`);
      if (this.isStopped) return undefined;
      const pause = Math.min(20 * 2 ** tries, LONGEST_PAUSE_MS);
      await sleep(retryAfterMs + pause * (0.5 + Math.random() / 2));
    }
  }

  private async messagesOf(sessionId: string) {
    const messages: MessagePage['messages'] = [];
    let page: MessagePage;
    do {
      page = await this.get(
        `chat-sessions/${sessionId}/messages?limit=200&after=${messages.length}`,
      );
      messages.push(...page.messages);
    } while (page.has_after);
    return messages;
  }

  private async send(
    method: string,
    path: string,
    body?: string,
    headers?: Record<string, string>,
  ) {
    const start = performance.now();
    let status = NO_ANSWER;
    let text = '';
    let retryAfterMs = 0;
    try {
      const response = await fetch(`${this.url()}/api/${path}`, {
        method,
        body,
        headers: {
          ...(body && { 'content-type': 'application/json' }),
          ...headers,
        },
        signal: AbortSignal.timeout(CLIENT_TIMEOUT_MS),
      });
      text = await response.text();
      status = response.status;
      retryAfterMs = Number(response.headers.get('retry-after')) * 1000;
      if ((status === 429 || status === 503) && !retryAfterMs) {
        this.withoutRetryAfter++;
      }
    } catch {
      // No answer: the service is down, or was killed half-way.
    }
    const milliseconds = performance.now() - start;
    this.answers.set(status, (this.answers.get(status) ?? 0) + 1);
    this.longestAnswer = Math.max(this.longestAnswer, milliseconds);
    return { status, text, retryAfterMs };
  }

  private async get<T>(path: string): Promise<T> {
    const { status, text } = await this.send('GET', path);
    if (status !== 200) throw new Error(`GET ${path}: ${status} ${text}`);
    return JSON.parse(text) as T;
  }
}
