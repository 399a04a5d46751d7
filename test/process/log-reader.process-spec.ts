import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { renameSync } from 'node:fs';
import { type IncomingMessage, request } from 'node:http';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { expect, it, onTestFinished } from 'vitest';
import { startProd } from '../support/service-process.js';
import { temporaryDirectory } from '../support/temporary-directory.js';

const LIMIT = { timeout: 60_000, interval: 50 };
const JSON_HEADERS = { 'content-type': 'application/json' };

it('goes on if nobody reads its log any more', async () => {
  const child = spawn(process.execPath, startProd(), {
    cwd: temporaryDirectory(),
    env: { PORT: '0', DRAIN_MS: '60000' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  let log = '';
  child.stdout.setEncoding('utf8');
  for await (const text of child.stdout.iterator({ destroyOnReturn: true })) {
    log += text as string;
    if (log.includes('Listening on')) break;
  }
  child.stderr.destroy();
  const [, url] = /Listening on (http:[^;]+);/.exec(log)!;
  // It logs the signal.
  child.kill('SIGTERM');
  for (let i = 0; i < 20; i++) {
    expect((await fetch(`${url}/api/history`)).status).toBe(200);
  }
  child.kill('SIGKILL');
  expect(await once(child, 'exit')).toEqual([null, 'SIGKILL']);
});

/** Reads the log from a FIFO, as journald does. */
function readerOf(fifo: string) {
  const child = spawn('cat', [fifo], { stdio: ['ignore', 'pipe', 'ignore'] });
  onTestFinished(() => void child.kill('SIGKILL'));
  const reader = {
    log: '',
    async stop(): Promise<void> {
      child.kill('SIGKILL');
      await once(child, 'close');
    },
  };
  child.stdout.setEncoding('utf8').on('data', (part: string) => {
    reader.log += part;
  });
  return reader;
}

it('logs again for the next reader, and serves the requests between the two', async () => {
  const cwd = temporaryDirectory();
  const [fifo, file] = [join(cwd, 'log'), join(cwd, 'chat.sqlite')];
  execFileSync('mkfifo', [fifo]);
  const first = readerOf(fifo);
  const command = ['-c', 'exec "$0" "$@" >"$LOG" 2>&1', process.execPath];
  const child = spawn('sh', [...command, ...startProd()], {
    cwd,
    env: { PORT: '0', DATABASE_URL: `sqlite:${file}`, LOG: fifo },
    stdio: 'ignore',
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  await expect.poll(() => first.log, LIMIT).toMatch(/Listening on http:[^;]+;/);
  const [, url] = /Listening on (http:[^;]+);/.exec(first.log)!;

  const inFlight = request(`${url}/api/chat-sessions`, {
    method: 'POST',
    headers: { ...JSON_HEADERS, expect: '100-continue' },
  });
  inFlight.flushHeaders();
  await once(inFlight, 'continue');
  await first.stop();

  /** A create without the file of the database, which is logged. */
  const fail = async () => {
    renameSync(file, `${file}.away`);
    const init = { method: 'POST', headers: JSON_HEADERS, body: '{}' };
    const { status } = await fetch(`${url}/api/chat-sessions`, init);
    renameSync(`${file}.away`, file);
    return status;
  };
  for (let times = 0; times < 20; times++) expect(await fail()).toBe(503);
  const responded = once(inFlight, 'response');
  inFlight.end('{"title":"In flight"}');
  const [response] = (await responded) as [IncomingMessage];
  expect(response.statusCode).toBe(201);
  expect(await text(response)).toContain('In flight');

  const second = readerOf(fifo);
  await expect
    .poll(async () => {
      expect(await fail()).toBe(503);
      return second.log;
    }, LIMIT)
    .toContain('Request failed');
  // Whole lines.
  expect(second.log).toMatch(/^\{.*\}$/m);
  expect(child.exitCode).toBeNull();
});
