import { setTimeout as sleep } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import {
  headersOf,
  type Measurement,
  putUnderLoad,
  type Request,
  type Tokens,
} from './load.js';
import { processorTime } from './processor-time.js';
import { BEFORE } from './results.js';
import type { Server } from './servers.js';
import { shuffled } from './statistics.js';

export interface Findings {
  /** The least number of acknowledged appends that are not stored. */
  lost: number;
}

/** A measurement, with the milliseconds of processor time of one request. */
export interface Round extends Measurement, Partial<Findings> {
  serverMs: number;
  databaseMs: number;
}

/** A server to measure, and its requests. */
export interface Contender {
  name: string;
  /** Processes of the same code; each round uses the next one. */
  servers: Server[];
  /** The file with its requests. */
  file: string;
  before?: () => Promise<void>;
  /** Checks the effects of the requests, those of the warm-up included. */
  after?: (requests: number) => Promise<void | Findings>;
}

/** Contenders with the same task. */
export interface Scenario {
  name: string;
  title: string;
  connections: number;
  contenders: Contender[];
  /** The contender that the others are compared with; `bare` by default. */
  reference?: string;
}

export interface ScenarioResult {
  name: string;
  title: string;
  connections: number;
  reference?: string;
  /** The measurements of each contender, one a round. */
  rounds: Record<string, Round[]>;
}

export interface Pace {
  rounds: number;
  /** The duration of one measurement. */
  seconds: number;
  warmUpSeconds: number;
  /** The warm-up before the first round; it ends at either limit. */
  firstWarmUp: { requests: number; seconds: number };
}

/** With a single connection V8 would need minutes to compile all code. */
const FIRST_WARM_UP_CONNECTIONS = 16;
const FIRST_WARM_UP_STEP_SECONDS = 2;
const CHECK_MS = 100;
/** Checks in a row without activity. */
const QUIET_CHECKS = 4;
const SETTLE_LIMIT_MS = 30_000;

/** Measures all contenders in every round, in random order. */
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

/** Puts a server under load until V8 has compiled its hot code: some thousands of requests. */
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
 * Waits until the processes are idle. Requests that wrk has abandoned must not
 * slow down the next measurement, and appends must not come after the count.
 */
export async function settled(pids: number[]): Promise<void> {
  const limit = Date.now() + SETTLE_LIMIT_MS;
  let quiet = 0;
  while (quiet < QUIET_CHECKS && Date.now() < limit) {
    const used = await timesOf(pids);
    await sleep(CHECK_MS);
    const more = (await timesOf(pids)).map((time, i) => time - used[i]!);
    quiet = more.every((time) => time <= CHECK_MS / 10) ? quiet + 1 : 0;
  }
}

/** The processor time in milliseconds that each process has used. */
export function timesOf(pids: number[]): Promise<number[]> {
  return Promise.all(pids.map(processorTime));
}

/** Sends one request, with the headers that wrk sends. */
export async function send(
  { url }: Server,
  request: Request,
  tokens: Tokens,
): Promise<{ status: number; headers: Headers; text: string }> {
  const response = await fetch(new URL(request.path, url), {
    method: request.method,
    headers: headersOf(request, tokens),
    body: request.body && JSON.stringify(request.body),
  });
  return {
    status: response.status,
    headers: response.headers,
    text: await response.text(),
  };
}

/** Throws if a server's response is not the same JSON as the first server's. */
export async function checkEqual(
  servers: Record<string, Server[]>,
  request: Request,
  tokens: Tokens,
): Promise<void> {
  const all = Object.entries(servers).flatMap(([name, processes]) =>
    processes.map((server) => ({ name, server })),
  );
  const responses = await Promise.all(
    all.map(async ({ name, server }) => {
      const { status, text } = await send(server, request, tokens);
      return {
        name,
        text,
        parsed: { status, body: JSON.parse(text) as unknown },
      };
    }),
  );
  const [expected, ...others] = responses;
  for (const { name, text, parsed } of others) {
    const isBefore = name.startsWith(BEFORE);
    const wanted = isBefore ? ofBefore(expected!.parsed) : expected!.parsed;
    if (isDeepStrictEqual(isBefore ? ofBefore(parsed) : parsed, wanted)) {
      continue;
    }
    throw new Error(
      `The responses to ${request.path} differ: ${parsed.status} ${text.slice(0, 500)} from ${name}, ` +
        `${expected!.parsed.status} ${expected!.text.slice(0, 500)} from ${expected!.name}`,
    );
  }
}

/** Fields that the version before may not have. */
const ADDED = new Set(['parent_id', 'edited_at']);

function ofBefore(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value), function (key, one: unknown) {
    return ADDED.has(key) ? undefined : one;
  });
}
