import { setTimeout as sleep } from 'node:timers/promises';
import { parseDatabaseConfig } from '../../../src/app/config/parse-config.js';
import { openDataSource } from '../../../src/app/database/data-source.js';
import { ChatMessage } from '../../../src/chat-sessions/store/entities/chat-message.entity.js';
import {
  type Exchange,
  KeepAliveClient,
  NO_ANSWER,
} from '../keep-alive-client.js';
import { PATIENCE } from '../patience.js';
import { type Ending, startService } from '../service-process.js';

const CLIENTS = 16;
/** The signal comes after 100 to 200 responses. */
const RESPONSES_BEFORE = { min: 100, more: 100 };
/** Half of the clients pause up to 20 ms between requests, so that some connections are idle at the signal. */
const PAUSE_MS = 20;
const PROBE_EVERY_MS = 10;

/** The results of one service that was told to end under load. */
export interface ShutdownReport {
  responses: number;
  acknowledged: number;
  longestResponseMs: number;
  responsesAfterSignal: number;
  /**
   * Responses to requests that were sent after a client had been told to close
   * its connection; health checks included.
   */
  sentWhileDraining: Exchange[];
  /** Responses of the API other than 200 and 201. */
  refusals: Exchange[];
  /** Refused connections: each client stops at its first. */
  notConnected: number;
  /** New connections that ended before the service accepted them from the system. */
  cutBeforeRead: number;
  /** Requests that failed for another reason. */
  lost: Exchange[];
  /** Acknowledged messages that are not stored. */
  missing: string[];
  /** Stored messages that were not acknowledged. */
  unacknowledged: string[];
  /** Messages that are stored twice or more. Each has a unique id. */
  doubled: number;
  /** Sessions whose seqs are not 1, 2, 3 ... */
  gaps: number;
  exitCode: number | null;
  /** The log, with a line if connections were cut off after 20 s. */
  stdout: string;
  stderr: string;
  /** Seconds from the last response to the end of the process. */
  secondsToExit: number;
}

interface ShutdownOptions {
  /** The setting DRAIN_MS; empty for the default. */
  drainMs: string;
  signal?: NodeJS.Signals;
  /** Repeats the signal until the process has ended. */
  repeatEveryMs?: number;
}

/** Starts a service, puts it under load over keep-alive connections, and sends the signal. */
export async function shutDownUnderLoad(
  databaseUrl: string,
  { drainMs, signal = 'SIGTERM', repeatEveryMs }: ShutdownOptions,
): Promise<ShutdownReport> {
  const { url, process } = await startService({
    DATABASE_URL: databaseUrl,
    DATABASE_MIGRATE: 'true',
    DRAIN_MS: drainMs,
  });
  const load = new Load(url);
  const loadEnded = load.run();
  loadEnded.catch(() => undefined); // Awaited below, after the exit.
  let repeat: NodeJS.Timeout | undefined;
  try {
    const { min, more } = RESPONSES_BEFORE;
    await load.responded(min + Math.random() * more);
    const signalledAt = performance.now();
    process.signal(signal);
    if (repeatEveryMs) {
      repeat = setInterval(() => process.signal(signal), repeatEveryMs);
    }
    const ending = await process.ended;
    const exitedAt = performance.now();
    await loadEnded;
    const stored = await storedMessages(databaseUrl);
    return { ...load.report(signalledAt, exitedAt, stored), ...ending };
  } finally {
    clearInterval(repeat);
    await process.stop('SIGKILL');
  }
}

class Load {
  private readonly exchanges: Exchange[] = [];
  private readonly probes: Exchange[] = [];
  private isOver = false;

  constructor(private readonly url: string) {}

  /** Sends requests until no client can connect any more. */
  async run(): Promise<void> {
    const clients = Array.from({ length: CLIENTS }, (_, index) =>
      this.converse(index),
    );
    await Promise.all([...clients, this.probe()]).finally(() => {
      this.isOver = true;
    });
  }

  /** Resolves after this many responses, or when the load has ended. */
  async responded(count: number): Promise<void> {
    while (!this.isOver && this.exchanges.length < count) await sleep(5);
  }

  /** One client: it creates a session, then appends and reads in turn. */
  private async converse(index: number): Promise<void> {
    const client = new KeepAliveClient(this.url);
    try {
      const created = await client.post('/api/chat-sessions', {});
      const { chat_session } = JSON.parse(created.body ?? '') as {
        chat_session: { id: string };
      };
      const path = `/api/chat-sessions/${chat_session.id}`;
      for (let n = 0, last = created; !isTheEnd(last); n++) {
        const message = { id: `m${index}-${n}`, role: 'user', content: 'Hi' };
        last =
          n % 2 === 0
            ? await client.post(`${path}/messages`, message)
            : await client.get(path);
        this.exchanges.push(last);
        if (index % 2 === 1) await sleep(Math.random() * PAUSE_MS);
      }
    } finally {
      client.close();
    }
  }

  private async probe(): Promise<void> {
    const client = new KeepAliveClient(this.url);
    try {
      for (let last: Exchange | undefined; !isTheEnd(last);) {
        this.probes.push(await client.get('/health/live'));
        last = await client.get('/health/ready');
        this.probes.push(last);
        await sleep(PROBE_EVERY_MS);
      }
    } finally {
      client.close();
    }
  }

  report(
    signalledAt: number,
    exitedAt: number,
    messages: ChatMessage[],
  ): Omit<ShutdownReport, keyof Ending> {
    const stored = new Set(messages.map(({ idKey }) => idKey));
    const all = [...this.exchanges, ...this.probes];
    const responded = all.filter(({ status }) => status !== undefined);
    const failed = all.filter(({ status }) => status === undefined);
    const toldAt = Math.min(
      ...responded
        .filter(({ connection }) => connection === 'close')
        .map(({ endedAt }) => endedAt),
    );
    const sentWhileDraining = responded.filter(({ sentAt }) => sentAt > toldAt);
    const readBy = (exchange: Exchange) =>
      exchange.reused || stored.has(exchange.messageId ?? '');
    const notConnected = failed.filter(isRefused);
    const cut = failed.filter(
      (exchange) => exchange.error === 'ECONNRESET' && !readBy(exchange),
    );
    const acknowledged = new Set(
      this.exchanges
        .filter(({ status }) => status === 201)
        .map(({ messageId }) => messageId ?? ''),
    );
    return {
      responses: responded.length,
      acknowledged: acknowledged.size,
      longestResponseMs: Math.max(
        ...responded.map(({ sentAt, endedAt }) => endedAt - sentAt),
      ),
      responsesAfterSignal: responded.filter(
        ({ endedAt }) => endedAt > signalledAt,
      ).length,
      sentWhileDraining,
      refusals: this.exchanges.filter(({ status = 200 }) => status >= 300),
      notConnected: notConnected.length,
      cutBeforeRead: cut.length,
      lost: failed.filter(
        (exchange) =>
          !notConnected.includes(exchange) && !cut.includes(exchange),
      ),
      missing: [...acknowledged].filter((id) => !stored.has(id)),
      unacknowledged: [...stored].filter((id) => !acknowledged.has(id)),
      doubled: messages.length - stored.size,
      gaps: sessionsWithGaps(messages),
      secondsToExit:
        (exitedAt - Math.max(...responded.map(({ endedAt }) => endedAt))) /
        1000,
    };
  }
}

function isRefused({ error }: Exchange): boolean {
  return error === 'ECONNREFUSED';
}

/** The service does not listen any more, or a request has timed out, which fails the test. */
function isTheEnd(last: Exchange | undefined): boolean {
  return last?.error === 'ECONNREFUSED' || last?.error === NO_ANSWER;
}

/** All stored messages, with id, session and seq. */
async function storedMessages(url: string): Promise<ChatMessage[]> {
  const dataSource = await openDataSource(
    parseDatabaseConfig({ ...PATIENCE, DATABASE_URL: url }),
  );
  try {
    return await dataSource
      .getRepository(ChatMessage)
      .find({ select: { idKey: true, sessionId: true, seq: true } });
  } finally {
    await dataSource.destroy();
  }
}

function sessionsWithGaps(messages: ChatMessage[]): number {
  const seqsOf = new Map<string, number[]>();
  for (const { sessionId, seq } of messages) {
    seqsOf.set(sessionId, [...(seqsOf.get(sessionId) ?? []), seq]);
  }
  return [...seqsOf.values()].filter(
    (seqs) => Math.max(...seqs) !== new Set(seqs).size,
  ).length;
}
