import { isDeepStrictEqual } from 'node:util';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  headersOf,
  type Measurement,
  putUnderLoad,
  type Request,
  type Tokens,
} from './load.js';
import { processorTime } from './processor-time.js';
import type { Server } from './servers.js';
import { shuffled } from './statistics.js';

export interface Findings {
  /** Appends that were acknowledged and are not stored, at least. */
  lost: number;
}

/** A measurement, with the processor time of one request in milliseconds. */
export interface Round extends Measurement, Partial<Findings> {
  serverMs: number;
  databaseMs: number;
}

/** Who is measured, and what it is asked. */
export interface Contender {
  name: string;
  /** Processes of the same code, which take turns. */
  servers: Server[];
  /** The file of its requests. */
  file: string;
  before?: () => Promise<void>;
  /** Looks at what the requests, warm-up included, have done. */
  after?: (requests: number) => Promise<void | Findings>;
}

/** Several contenders doing the same thing. */
export interface Scenario {
  name: string;
  title: string;
  connections: number;
  contenders: Contender[];
  /** Whom the others are compared with; `bare` unless given, where it takes part. */
  reference?: string;
}

export interface ScenarioResult {
  name: string;
  title: string;
  connections: number;
  reference?: string;
  /** By contender, one measurement a round. */
  rounds: Record<string, Round[]>;
}

export interface Pace {
  rounds: number;
  /** Of one measurement. */
  seconds: number;
  warmUpSeconds: number;
  /** Before the first round: this many requests, but no longer than this. */
  firstWarmUp: { requests: number; seconds: number };
}

/** A single one would need minutes to see all code compiled. */
const FIRST_WARM_UP_CONNECTIONS = 16;
const FIRST_WARM_UP_STEP_SECONDS = 2;
const CHECK_MS = 100;
/** In a row. */
const QUIET_CHECKS = 4;
const SETTLE_LIMIT_MS = 30_000;

/** Measures all contenders in every round, in an order that chance decides. */
export async function measure(
  { name, title, connections, contenders, reference }: Scenario,
  { rounds, seconds, warmUpSeconds, firstWarmUp }: Pace,
  databasePid: number,
): Promise<ScenarioResult> {
  for (const { servers, file } of contenders) {
    for (const server of servers) {
      await compile(server, file, firstWarmUp);
      await settled([server.pid, databasePid]);
    }
  }
  const measured: ScenarioResult['rounds'] = Object.fromEntries(
    contenders.map((contender) => [contender.name, []]),
  );
  for (let round = 0; round < rounds; round++) {
    for (const contender of shuffled(contenders)) {
      const { name, servers, file } = contender;
      const server = servers[round % servers.length]!;
      const pids = [server.pid, databasePid];
      await contender.before?.();
      const warmUp = await putUnderLoad(server.url, {
        file,
        connections,
        seconds: warmUpSeconds,
      });
      await settled(pids);
      const before = await timesOf(pids);
      const measurement = await putUnderLoad(server.url, {
        file,
        connections,
        seconds,
      });
      const [serverMs, databaseMs] = (await timesOf(pids)).map(
        (time, index) => (time - before[index]!) / measurement.requests,
      ) as [number, number];
      await settled(pids);
      const findings = await contender.after?.(
        warmUp.requests + measurement.requests,
      );
      measured[name]!.push({
        ...measurement,
        serverMs,
        databaseMs,
        ...findings,
      });
    }
  }
  return { name, title, connections, reference, rounds: measured };
}

/** Load until V8 has compiled what is used often: some thousands of requests. */
async function compile(
  server: Server,
  file: string,
  { requests, seconds }: Pace['firstWarmUp'],
): Promise<void> {
  const step = FIRST_WARM_UP_STEP_SECONDS;
  let sent = 0;
  for (let spent = 0; spent < seconds && sent < requests; spent += step) {
    const measured = await putUnderLoad(server.url, {
      file,
      connections: FIRST_WARM_UP_CONNECTIONS,
      seconds: step,
    });
    sent += measured.requests;
  }
}

/**
 * Waits until nothing is under way. Requests that nobody waits for any more
 * must not be a burden to what comes next, nor appends come after the count.
 */
async function settled(pids: number[]): Promise<void> {
  const limit = Date.now() + SETTLE_LIMIT_MS;
  let quiet = 0;
  while (quiet < QUIET_CHECKS && Date.now() < limit) {
    const used = await timesOf(pids);
    await sleep(CHECK_MS);
    const more = (await timesOf(pids)).map((time, i) => time - used[i]!);
    quiet = more.every((time) => time <= CHECK_MS / 10) ? quiet + 1 : 0;
  }
}

function timesOf(pids: number[]): Promise<number[]> {
  return Promise.all(pids.map(processorTime));
}

/** Asks a server once, as the load will. */
export async function ask(
  { url }: Server,
  request: Request,
  tokens: Tokens,
): Promise<{ status: number; etag: string | null; text: string }> {
  const response = await fetch(new URL(request.path, url), {
    method: request.method,
    headers: headersOf(request, tokens),
    body: request.body && JSON.stringify(request.body),
  });
  return {
    status: response.status,
    etag: response.headers.get('etag'),
    text: await response.text(),
  };
}

/** Throws where a server's answer is not the same JSON as the first one's: nobody wins by doing less. */
export async function checkEqual(
  servers: Record<string, Server[]>,
  request: Request,
  tokens: Tokens,
): Promise<void> {
  const asked = Object.entries(servers).flatMap(([name, processes]) =>
    processes.map((server) => ({ name, server })),
  );
  const answers = await Promise.all(
    asked.map(({ server }) => ask(server, request, tokens)),
  );
  const [expected, ...others] = answers.map(({ status, text }) => ({
    status,
    body: JSON.parse(text) as unknown,
  }));
  others.forEach((answer, index) => {
    if (isDeepStrictEqual(answer, expected)) return;
    const { name } = asked[index + 1]!;
    throw new Error(
      `${name} answers ${request.path} in another way: ${answers[index + 1]!.status} ${answers[index + 1]!.text.slice(0, 500)}, not ${answers[0]!.status} ${answers[0]!.text.slice(0, 500)}`,
    );
  });
}
