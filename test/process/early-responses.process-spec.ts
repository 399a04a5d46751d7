import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, it } from 'vitest';
import { type Environment, startService } from '../support/service-process.js';
import { temporaryDirectory } from '../support/temporary-directory.js';
import { JWT_MODE } from '../support/tokens.js';
import { which } from '../support/which.js';

// The service answers before a body has arrived. Programs that others wrote must
// see the response each time. In-process clients: test/e2e/early-responses.

const run = promisify(execFile);
const TIMES = 50;
const PYTHON = which(['python3']);
const CURL = which(['curl']);

const LARGE = 3 * 1024 * 1024;
/** Larger than the limit of 4 MiB. */
const TOO_LARGE = 8 * 1024 * 1024;

interface Case {
  status: number;
  bytes: number;
  type: string;
  settings: Environment;
}

const OPEN = { AUTH_MODE: 'none', BODY_LIMIT: '4194304' };
const LIMITED = { ...JWT_MODE, RATE_LIMIT_WRITES: '1' };

/** No caller has a token. */
const CASES: Case[] = [
  { status: 401, bytes: LARGE, type: 'application/json', settings: JWT_MODE },
  { status: 413, bytes: TOO_LARGE, type: 'application/json', settings: OPEN },
  { status: 415, bytes: LARGE, type: 'text/plain', settings: OPEN },
  { status: 429, bytes: LARGE, type: 'application/json', settings: LIMITED },
];

const PYTHON_CLIENT = `
import sys, urllib.error, urllib.request
url, size, content_type, times = sys.argv[1], int(sys.argv[2]), sys.argv[3], int(sys.argv[4])
for _ in range(times):
    request = urllib.request.Request(
        url, b"x" * size, {"content-type": content_type}, method="POST")
    try:
        print(urllib.request.urlopen(request).status)
    except urllib.error.HTTPError as error:
        print(error.code)
`;

describe.each(CASES)('$status', ({ status, bytes, type, settings }) => {
  let url: string;

  beforeAll(async () => {
    const service = await startService({
      ...settings,
      DATABASE_URL: 'sqlite::memory:',
    });
    url = `${service.url}/api/chat-sessions`;
    // Uses up the limit.
    await fetch(url, { method: 'POST' });
    return async () => {
      await service.stop();
    };
  });

  const all = Array<string>(TIMES).fill(String(status));

  it.skipIf(!PYTHON)('reaches urllib of Python', async () => {
    const args = ['-c', PYTHON_CLIENT, url, bytes, type, TIMES].map(String);
    const { stdout } = await run(PYTHON!, args);
    expect(stdout.trim().split('\n')).toEqual(all);
  });

  it.skipIf(!CURL).each([
    ['with a length', []],
    ['in chunks', ['-H', 'transfer-encoding: chunked']],
    ['without waiting for 100 Continue', ['-H', 'expect:']],
  ])('reaches curl %s', async (_, options) => {
    const file = join(temporaryDirectory(), 'body');
    writeFileSync(file, Buffer.alloc(bytes, 'x'));
    const usual = `--silent --output /dev/null --write-out %{http_code}`
      .split(' ')
      .concat('--data-binary', `@${file}`, '-H', `content-type: ${type}`);
    const statuses: string[] = [];
    while (statuses.length < TIMES) {
      const { stdout } = await run(CURL!, [...usual, ...options, url]);
      statuses.push(stdout);
    }
    expect(statuses).toEqual(all);
  });
});
