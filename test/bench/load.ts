import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

const SCRIPT = join(import.meta.dirname, 'load.lua');
/** load.lua replaces this by a number that is new in each request. */
const NUMBER = '#'.repeat(16);

/** The placeholder of a unique message id. */
export const NEW_ID = `bench-${NUMBER}`;

export interface Request {
  method: 'GET' | 'POST';
  /** The path with the query. */
  path: string;
  owner: string;
  headers?: Record<string, string>;
  /** Sent as JSON. */
  body?: object;
}

/** The result of wrk. Latencies are in microseconds. */
export interface Measurement {
  requests: number;
  /** Requests a second. */
  rate: number;
  p50: number;
  p90: number;
  p99: number;
  max: number;
}

export interface Load {
  /** A file that `writeRequests` has written. */
  file: string;
  connections: number;
  seconds: number;
}

/** The headers that all contenders get. Peers without tokens read X-User-Id. */
export function headersOf(
  { owner, headers, body }: Request,
  tokens: Tokens,
): Record<string, string> {
  return {
    Authorization: `Bearer ${tokens.get(owner)}`,
    'X-User-Id': owner,
    ...(body && { 'Content-Type': 'application/json' }),
    ...headers,
  };
}

/** The token of each owner. */
export type Tokens = ReadonlyMap<string, string>;

/** Writes the complete requests to a file, so that load.lua only has to send them. */
export async function writeRequests(
  file: string,
  requests: Request[],
  tokens: Tokens,
): Promise<void> {
  await writeFile(
    file,
    requests.map((request) => rawRequest(request, tokens)).join('\0'),
  );
}

function rawRequest(request: Request, tokens: Tokens): string {
  const body = request.body ? JSON.stringify(request.body) : '';
  const headers = {
    Host: '127.0.0.1',
    ...headersOf(request, tokens),
    ...(body && { 'Content-Length': String(Buffer.byteLength(body)) }),
  };
  const lines = Object.entries(headers).map(
    ([name, value]) => `${name}: ${value}`,
  );
  return [
    `${request.method} ${request.path} HTTP/1.1`,
    ...lines,
    '',
    body,
  ].join('\r\n');
}

let runs = 0;

/** Puts a server under load with wrk. Rejects if a response is an error or missing. */
export async function putUnderLoad(
  url: string,
  { file, connections, seconds }: Load,
): Promise<Measurement> {
  const { stdout } = await promisify(execFile)('wrk', [
    '--threads=1',
    `--connections=${connections}`,
    `--duration=${seconds}s`,
    '--timeout=10s',
    `--script=${SCRIPT}`,
    url,
    '--',
    file,
    String(++runs),
  ]);
  const result = JSON.parse(/^RESULT (.*)$/m.exec(stdout)![1]!) as Result;
  const { requests, microseconds, refused, failed } = result;
  if (refused > 0 || failed > 0) {
    throw new Error(
      `${url}: of ${requests} requests ${refused} were refused, ${failed} failed`,
    );
  }
  const { p50, p90, p99, max } = result;
  const rate = requests / (microseconds / 1e6);
  return { requests, rate, p50, p90, p99, max };
}

interface Result extends Omit<Measurement, 'rate'> {
  microseconds: number;
  refused: number;
  failed: number;
}
