import { setTimeout as sleep } from 'node:timers/promises';
import { ChatMessage } from '../../../src/chat-sessions/store/entities/chat-message.entity.js';
import { openDataSource } from '../../../src/app/database/data-source.js';
import {
  type Exchange,
  KeepAliveClient,
  NO_ANSWER,
} from '../keep-alive-client.js';
import { startService } from '../service-process.js';

const CLIENTS = 16;
/** The signal comes after so many answers, different each time. */
const ANSWERS_BEFORE = { min: 100, more: 100 };
/** Half of the clients pause so long at most between two requests: some connections are idle when the signal comes. */
const PAUSE_MS = 20;
const PROBE_EVERY_MS = 10;

/** What came of one service that was told to end under load. */
export interface ShutdownReport {
  answers: number;
  acknowledged: number;
  longestAnswerMs: number;
  /** Of the answers, those that came after the signal. */
  answersAfterSignal: number;
  /** Answers to requests sent when some client had already been told to close its connection; health checks, too. */
  sentWhileDraining: Exchange[];
  /** Answers of the API other than 200 and 201. */
  refusals: Exchange[];
  /** Attempts to connect when the service did not listen any more: how each client learned of its end. */
  notConnected: number;
  /** New connections that the end of listening cut off, before the service took them from the system. */
  cutBeforeRead: number;
  /** Requests that failed in any other way. */
  lost: Exchange[];
  /** Messages whose append was acknowledged, and that are not stored. */
  missing: string[];
  /** Messages that are stored, and whose append was not acknowledged. */
  unacknowledged: string[];
  /** Messages that are stored more than once; the load gives each its own id. */
  doubled: number;
  /** Sessions whose seqs are not 1, 2, 3 ... */
  gaps: number;
  exitCode: number | null;
  stderr: string;
  /** From the last answer to the end of the process. */
  secondsToExit: number;
}

/**
 * Starts a service, loads it with kept connections, and sends it the signal.
 * @param repeatEveryMs the signal comes again and again until the end
 */
export async function shutDownUnderLoad(
  databaseUrl: string,
  drainMs: string,
  signal: NodeJS.Signals = 'SIGTERM',
  repeatEveryMs?: number,
): Promise<ShutdownReport> {
  const service = await startService({
    DATABASE_URL: databaseUrl,
    DATABASE_MIGRATE: 'true',
    DRAIN_MS: drainMs,
  });
  const { process } = service;
  const load = new Load(service.url);
  const loadEnded = load.run();
  await load.answered(ANSWERS_BEFORE.min + Math.random() * ANSWERS_BEFORE.more);
  const signalledAt = performance.now();
  process.signal(signal);
  const repeat =
    repeatEveryMs && setInterval(() => process.signal(signal), repeatEveryMs);
  const { exitCode, stderr } = await process.ended;
  const exitedAt = performance.now();
  clearInterval(repeat);
  await loadEnded;
  const stored = await storedMessages(databaseUrl);
  return { ...load.report(signalledAt, exitedAt, stored), exitCode, stderr };
}

class Load {
  private readonly exchanges: Exchange[] = [];
  private readonly probes: Exchange[] = [];
  private isOver = false;

  constructor(private readonly url: string) {}

  /** Until no client can connect any more. */
  async run(): Promise<void> {
    const clients = Array.from({ length: CLIENTS }, (_, index) =>
      this.converse(index),
    );
    await Promise.all([...clients, this.probe()]).finally(() => {
      this.isOver = true;
    });
  }

  /** Resolves when there are so many answers, or will be no more. */
  async answered(count: number): Promise<void> {
    while (!this.isOver && this.exchanges.length < count) await sleep(5);
  }

  /** One client: a session, then appending and reading in turn. */
  private async converse(index: number): Promise<void> {
    const client = new KeepAliveClient(this.url);
    const created = await client.post('/api/chat-sessions', {});
    const { chat_session } = JSON.parse(created.body ?? '') as {
      chat_session: { id: string };
    };
    const path = `/api/chat-sessions/${chat_session.id}`;
    for (let turn = 0, last = created; !isTheEnd(last); turn++) {
      const message = { id: `m${index}-${turn}`, role: 'user', content: 'Hi' };
      last =
        turn % 2 === 0
          ? await client.post(`${path}/messages`, message)
          : await client.get(path);
      this.exchanges.push(last);
      if (index % 2 === 1) await sleep(Math.random() * PAUSE_MS);
    }
    client.close();
  }

  private async probe(): Promise<void> {
    const client = new KeepAliveClient(this.url);
    for (let last: Exchange | undefined; !isTheEnd(last);) {
      this.probes.push(await client.get('/health/live'));
      last = await client.get('/health/ready');
      this.probes.push(last);
      await sleep(PROBE_EVERY_MS);
    }
    client.close();
  }

  report(
    signalledAt: number,
    exitedAt: number,
    messages: ChatMessage[],
  ): Omit<ShutdownReport, 'exitCode' | 'stderr'> {
    const stored = new Set(messages.map(({ id }) => id));
    const all = [...this.exchanges, ...this.probes];
    const answered = all.filter(({ status }) => status !== undefined);
    const failed = all.filter(({ status }) => status === undefined);
    const toldAt = Math.min(
      ...answered
        .filter(({ connection }) => connection === 'close')
        .map(({ endedAt }) => endedAt),
    );
    const sentWhileDraining = answered.filter(({ sentAt }) => sentAt > toldAt);
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
      answers: answered.length,
      acknowledged: acknowledged.size,
      longestAnswerMs: Math.max(
        ...answered.map(({ sentAt, endedAt }) => endedAt - sentAt),
      ),
      answersAfterSignal: answered.filter(
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
        (exitedAt - Math.max(...answered.map(({ endedAt }) => endedAt))) / 1000,
    };
  }
}

function isRefused({ error }: Exchange): boolean {
  return error === 'ECONNREFUSED';
}

/** Nobody listens any more; or a request hangs, which nobody needs to see twice. */
function isTheEnd(last: Exchange | undefined): boolean {
  return last?.error === 'ECONNREFUSED' || last?.error === NO_ANSWER;
}

/** Id, session and seq of all messages. */
async function storedMessages(url: string): Promise<ChatMessage[]> {
  const dataSource = await openDataSource({
    DATABASE_URL: url,
    DATABASE_POOL_SIZE: 1,
    DATABASE_MIGRATE: false,
  });
  try {
    return await dataSource
      .getRepository(ChatMessage)
      .find({ select: { id: true, sessionId: true, seq: true } });
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
