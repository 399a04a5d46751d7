import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { MessagePage, Session } from '../api.js';

/** A client gives up on an answer after this long. */
const CLIENT_TIMEOUT_MS = 15_000;
const LONGEST_PAUSE_MS = 1_000;
const NO_ANSWER = 0;

/** A write that the service has acknowledged. */
interface Ack {
  sessionId: string;
  /** The message's text, which no other has. */
  token: string;
  seq: number;
}

export interface Verdict {
  acks: number;
  lost: number;
  doubled: number;
  /** Sessions whose seqs are not 1, 2, 3 ..., or whose count is not that of their messages. */
  gaps: number;
}

/**
 * Clients that append to some sessions and, where an answer fails, send the
 * same request again, as clients should: with the message's own id, or with an
 * Idempotency-Key. Keeps a journal of what they were told.
 */
export class Workload {
  readonly acks: Ack[] = [];
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
    return (await this.send('POST', path, body, headers)).status;
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
      gaps,
    };
  }

  private async appendOne(): Promise<void> {
    const { sessionId, token, path, body, headers } = this.nextAppend();
    const text = await this.untilDone(path, body, headers);
    if (text === undefined) return;
    const { message } = JSON.parse(text) as { message: { seq: number } };
    this.acks.push({ sessionId, token, seq: message.seq });
    const now = performance.now();
    this.longestStall = Math.max(this.longestStall, now - this.lastAckAt);
    this.lastAckAt = now;
  }

  private nextAppend() {
    const token = randomUUID();
    const turn = this.turn++;
    const sessionId = this.sessionIds[turn % this.sessionIds.length]!;
    const message = { role: 'user', content: token };
    const isKeyed = turn % 2 === 0;
    return {
      sessionId,
      token,
      path: `chat-sessions/${sessionId}/messages`,
      body: JSON.stringify(isKeyed ? message : { ...message, id: token }),
      headers: isKeyed ? { 'idempotency-key': token } : undefined,
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
