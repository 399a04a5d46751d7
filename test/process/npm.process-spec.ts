import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { request } from 'node:http';
import { connect } from 'node:net';
import { expect, it, onTestFinished } from 'vitest';
import { ROOT } from '../support/service-process.js';

it('npm run start:prod passes SIGTERM on, and ends with the service', async () => {
  const npm = spawn('npm', ['run', 'start:prod'], {
    cwd: ROOT,
    env: {
      PATH: process.env.PATH,
      HOME: process.env.HOME,
      PORT: '0',
      DATABASE_URL: 'sqlite::memory:',
      DRAIN_MS: '0',
    },
    stdio: ['ignore', 'pipe', 'inherit'],
    // Whatever it leaves behind is in its group.
    detached: true,
  });
  onTestFinished(() => {
    try {
      process.kill(-npm.pid!, 'SIGKILL');
    } catch {
      // Nothing is left.
    }
  });
  const ended = once(npm, 'close');
  let log = '';
  npm.stdout.setEncoding('utf8');
  for await (const text of npm.stdout.iterator({ destroyOnReturn: false })) {
    log += text as string;
    if (log.includes('Listening on')) break;
  }
  const url = new URL(/Listening on (http:[^;]+);/.exec(log)![1]!);
  const service = Number(/"pid":(\d+)/.exec(log)![1]);

  const sent = request(new URL('/api/chat-sessions', url), {
    method: 'POST',
    headers: { 'content-type': 'application/json', expect: '100-continue' },
  });
  const response = once(sent, 'response');
  sent.flushHeaders();
  await once(sent, 'continue');
  npm.kill('SIGTERM');
  await expect.poll(() => canConnect(url), { timeout: 60_000 }).toBe(false);
  sent.end('{}');
  const [{ statusCode }] = (await response) as [{ statusCode: number }];
  expect(statusCode).toBe(201);
  await ended;
  expect(() => process.kill(service, 0)).toThrow('ESRCH');
});

async function canConnect({ hostname, port }: URL): Promise<boolean> {
  const socket = connect(Number(port), hostname);
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}
