import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Message, MessagePage, Session } from '../api.js';

/** The time after which a client gives up on a response: far beyond every deadline of the tests. */
/** Deadlines of the service are a few seconds; a busy machine takes longer. */
const CLIENT_TIMEOUT_MS = 60_000;
const LONGEST_PAUSE_MS = 1_000;
/** The status of a request without a response. */
export const NO_RESPONSE = 0;
/** Messages of a batch. */
const BATCH = 3;

/** A message that the service has acknowledged. */
interface Ack {
  /** The unique text of the message. */
  token: string;
  seq: number;
}

interface Request {
  /** Without the prefix. */
  path: string;
  /** JSON; with it the request is a POST, without it a GET. */
  body?: string;
  headers?: Record<string, string>;
}

export interface Verdict {
  acks: number;
  lost: number;
  doubled: number;
  /** Batches of which some messages are stored and some are not. */
  halves: number;
  /** Sessions whose seqs are not 1, 2, 3 ..., or whose count of messages is wrong. */
  gaps: number;
}

/**
 * Clients that append single messages and batches to some sessions. After an
 * error they repeat the request, as clients should: with message ids or with an
 * Idempotency-Key. The workload records all responses.
 */
export class Workload {
  readonly acks: Ack[] = [];
  /** Requests that were acknowledged. */
  appends = 0;
  /** The number of responses by status; NO_RESPONSE counts requests without one. */
  readonly responses = new Map<number, number>();
  longestResponseMs = 0;
  /** The longest time without an acknowledgement. */
  longestStallMs = 0;
  /** Responses 429 and 503 without a Retry-After. */
  withoutRetryAfter = 0;
  private lastAckAt = performance.now();
  private readonly sessionIds: string[] = [];
  /** The texts of each batch that was sent. */
  private readonly batches: string[][] = [];
  private isStopped = false;
  private appendsSent = 0;

  /**
   * @param url of the service; it may change with a restart
   * @param prefix of the routes
   * @param headers of every request
   */
  constructor(
    private readonly url: () => string,
    private readonly prefix = '/api',
    private readonly headers: Record<string, string> = {},
  ) {}

  async createSessions(count: number): Promise<void> {
    for (let i = 0; i < count; i++) {
      const id = randomUUID();
      const body = JSON.stringify({ id });
      await this.untilDone({ path: 'chat-sessions', body });
      this.sessionIds.push(id);
    }
  }

  /** Appends while `work` runs. The clients stop when it ends or fails. */
  async during(clients: number, work: () => Promise<void>): Promise<void> {
    const load = this.append(Infinity, clients);
    load.catch(() => undefined); // Awaited below, after the work.
    try {
      await work();
    } finally {
      this.stop();
      await load;
    }
  }

  /** Sends this many appends, by several clients at once. Ends early if stopped. */
  async append(requests: number, clients: number): Promise<void> {
    let left = requests;
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

  /**
   * Appends this many times without retries, by several clients at once. Resolves
   * to the statuses.
   */
  async tryEach(requests: number, clients: number): Promise<number[]> {
    const statuses: number[] = [];
    let left = requests;
    await Promise.all(
      Array.from({ length: clients }, async () => {
        while (left-- > 0) statuses.push(await this.tryOnce());
      }),
    );
    return statuses;
  }

  /** Appends once, without a retry. Resolves to the status. */
  async tryOnce(): Promise<number> {
    const { status, text } = await this.send(this.nextAppend());
    if (status === 201) this.acknowledge(text);
    return status;
  }

  /** Reads all messages and compares them with the acknowledgements. */
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
    const text = await this.untilDone(this.nextAppend());
    if (text === undefined) return;
    this.acknowledge(text);
    const now = performance.now();
    this.longestStallMs = Math.max(this.longestStallMs, now - this.lastAckAt);
    this.lastAckAt = now;
  }

  /** @param text the body of the response */
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

  private nextAppend(): Request {
    const number = this.appendsSent++;
    const sessionId = this.sessionIds[number % this.sessionIds.length]!;
    const path = `chat-sessions/${sessionId}/messages`;
    const isBatch = number % 5 === 0;
    const tokens = Array.from({ length: isBatch ? BATCH : 1 }, () =>
      randomUUID(),
    );
    if (isBatch) this.batches.push(tokens);
    const isKeyed = number % 2 === 0;
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

  /** Resolves to the body of the first 200 or 201, or to undefined if the workload was stopped. */
  private async untilDone(request: Request): Promise<string | undefined> {
    for (let tries = 1; ; tries++) {
      const { status, text, retryAfterMs } = await this.send(request);
      if (status === 200 || status === 201) return text;
      const isTemporary =
        status === NO_RESPONSE ||
        status === 429 ||
        status >= 500 ||
        (status === 409 && retryAfterMs > 0);
      if (!isTemporary) throw new Error(`${status} ${text}`);
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

  private async send({ path, body, headers }: Request) {
    const start = performance.now();
    let status = NO_RESPONSE;
    let text = '';
    let retryAfterMs = 0;
    try {
      const response = await fetch(`${this.url()}${this.prefix}/${path}`, {
        method: body ? 'POST' : 'GET',
        body,
        headers: {
          ...(body && { 'content-type': 'application/json' }),
          ...this.headers,
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
      // The service is down or was killed before it responded.
    }
    const milliseconds = performance.now() - start;
    this.responses.set(status, (this.responses.get(status) ?? 0) + 1);
    this.longestResponseMs = Math.max(this.longestResponseMs, milliseconds);
    return { status, text, retryAfterMs };
  }

  private async get<T>(path: string): Promise<T> {
    const { status, text } = await this.send({ path });
    if (status !== 200) throw new Error(`GET ${path}: ${status} ${text}`);
    return JSON.parse(text) as T;
  }
}
