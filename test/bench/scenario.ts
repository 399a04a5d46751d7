import { isDeepStrictEqual } from 'node:util';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  headersOf,
  type Measurement,
  putUnderLoad,
  type Request,
  type Tokens,
} from './load.js';
import { answering, type Server } from './servers.js';
import { shuffled } from './statistics.js';

export interface Findings {
  /** Appends that were acknowledged and are not stored, at least. */
  lost: number;
}

/** Who is measured: a server, and what it is asked. */
export interface Contender {
  name: string;
  server: Server;
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
}

export interface ScenarioResult {
  name: string;
  title: string;
  connections: number;
  /** By contender, one measurement a round. */
  rounds: Record<string, (Measurement & Partial<Findings>)[]>;
}

export interface Pace {
  rounds: number;
  /** Of one measurement. */
  seconds: number;
  warmUpSeconds: number;
  /** Once before the first round, for what a compiler does at run time. */
  firstWarmUpSeconds: number;
}

/** A single connection would need minutes to see all code compiled. */
const FIRST_WARM_UP_CONNECTIONS = 16;

/** Measures all contenders in every round, in an order that chance decides. */
export async function measure(
  { name, title, connections, contenders }: Scenario,
  { rounds, seconds, warmUpSeconds, firstWarmUpSeconds }: Pace,
): Promise<ScenarioResult> {
  for (const { server, file } of contenders) {
    await putUnderLoad(server.url, {
      file,
      connections: FIRST_WARM_UP_CONNECTIONS,
      seconds: firstWarmUpSeconds,
    });
    await settled(server);
  }
  const measured: ScenarioResult['rounds'] = Object.fromEntries(
    contenders.map((contender) => [contender.name, []]),
  );
  for (let round = 0; round < rounds; round++) {
    for (const { name, server, file, before, after } of shuffled(contenders)) {
      await before?.();
      const warmUp = await putUnderLoad(server.url, {
        file,
        connections,
        seconds: warmUpSeconds,
      });
      await settled(server);
      const measurement = await putUnderLoad(server.url, {
        file,
        connections,
        seconds,
      });
      await settled(server);
      const findings = await after?.(warmUp.requests + measurement.requests);
      measured[name]!.push({ ...measurement, ...findings });
    }
  }
  return { name, title, connections, rounds: measured };
}

/** Requests that nobody waits for any more must not be a burden to what comes next. */
async function settled({ url }: Server): Promise<void> {
  await Promise.all(Array.from({ length: 8 }, () => answering(url)));
  await sleep(200);
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
  servers: Record<string, Server>,
  request: Request,
  tokens: Tokens,
): Promise<void> {
  const answers = await Promise.all(
    Object.values(servers).map((server) => ask(server, request, tokens)),
  );
  const [expected, ...others] = answers.map(({ status, text }) => ({
    status,
    body: JSON.parse(text) as unknown,
  }));
  others.forEach((answer, index) => {
    if (isDeepStrictEqual(answer, expected)) return;
    const name = Object.keys(servers)[index + 1];
    throw new Error(
      `${name} answers ${request.path} in another way: ${answers[index + 1]!.status} ${answers[index + 1]!.text.slice(0, 500)}, not ${answers[0]!.status} ${answers[0]!.text.slice(0, 500)}`,
    );
  });
}
