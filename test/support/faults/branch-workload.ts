import { ChatSessionsClient } from '../../../src/client/index.js';
import { BranchedSession } from './branched-session.js';
import { NO_RESPONSE, type Verdict } from './workload.js';

/** No call gives up before the fault has healed. */
const ATTEMPTS = 1_000;
const TOTAL_TIMEOUT_MS = 600_000;

/**
 * The official client changes sessions with branches: it edits, deletes and
 * replaces messages and goes to other branches, one client for each session.
 * Afterwards each session must equal the model of its acknowledged changes.
 */
export class BranchWorkload {
  /** Acknowledged changes. */
  acks = 0;
  /** The number of responses by status; NO_RESPONSE counts requests without one. */
  readonly responses = new Map<number, number>();
  longestResponseMs = 0;
  /** The longest time without an acknowledgement. */
  longestStallMs = 0;
  private readonly client: ChatSessionsClient;
  private readonly sessions: BranchedSession[] = [];

  /** @param url of the service; it may change with a restart */
  constructor(url: () => string) {
    this.client = new ChatSessionsClient({
      baseUrl: '',
      maxAttempts: ATTEMPTS,
      totalTimeoutMs: TOTAL_TIMEOUT_MS,
      fetch: (path, init) => this.fetch(`${url()}${path as string}`, init),
    });
  }

  async createSessions(count: number): Promise<void> {
    for (let i = 0; i < count; i++) {
      const { chat_session } = await this.client.create();
      this.sessions.push(new BranchedSession(this.client, chat_session.id));
    }
  }

  /** Changes all sessions while `work` runs. */
  async during(work: () => Promise<void>): Promise<void> {
    let isOver = false;
    let lastAckAt = performance.now();
    const load = Promise.all(
      this.sessions.map(async (session) => {
        while (!isOver) {
          await session.change();
          this.acks++;
          const now = performance.now();
          this.longestStallMs = Math.max(this.longestStallMs, now - lastAckAt);
          lastAckAt = now;
        }
      }),
    );
    load.catch(() => undefined); // Awaited below, after the work.
    try {
      await work();
    } finally {
      isOver = true;
      await load;
    }
  }

  async verify(): Promise<Verdict> {
    const verdict = {
      acks: this.acks,
      lost: 0,
      doubled: 0,
      halves: 0,
      gaps: 0,
    };
    for (const session of this.sessions) {
      const { lost, doubled, isHalf, hasGap } = await session.differences();
      verdict.lost += lost;
      verdict.doubled += doubled;
      verdict.halves += Number(isHalf);
      verdict.gaps += Number(hasGap);
    }
    return verdict;
  }

  private async fetch(url: string, init?: RequestInit): Promise<Response> {
    const start = performance.now();
    let status = NO_RESPONSE;
    try {
      const response = await fetch(url, init);
      ({ status } = response);
      return response;
    } finally {
      const milliseconds = performance.now() - start;
      this.responses.set(status, (this.responses.get(status) ?? 0) + 1);
      this.longestResponseMs = Math.max(this.longestResponseMs, milliseconds);
    }
  }
}
