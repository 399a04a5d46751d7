import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { connect } from 'node:net';
import { join } from 'node:path';
import { json, text } from 'node:stream/consumers';
import { expect, it, onTestFinished } from 'vitest';
import { ROOT } from '../support/service-process.js';
import { temporaryDirectory } from '../support/temporary-directory.js';

const START = ['npm', 'run', 'start:prod'];
/** Runs a program as PID 1 of a namespace of its own, as a container does. */
const AS_PID_1 = ['unshare', '--user', '--map-root-user', '--pid', '--fork'];

it.each([
  ['npm', START],
  ['npm as PID 1', [...AS_PID_1, '--kill-child', ...START]],
])('%s passes SIGTERM on, and ends with the service', async (_, command) => {
  const [file, ...args] = command;
  const npm = spawn(file!, args, {
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

  const sent = request(new URL('/api/chat-sessions', url), {
    method: 'POST',
    headers: { 'content-type': 'application/json', expect: '100-continue' },
  });
  const response = once(sent, 'response');
  sent.flushHeaders();
  await once(sent, 'continue');
  process.kill(file === 'npm' ? npm.pid! : childOf(npm.pid!), 'SIGTERM');
  await expect.poll(() => canConnect(url), { timeout: 60_000 }).toBe(false);
  sent.end('{}');
  const [{ statusCode }] = (await response) as [{ statusCode: number }];
  expect(statusCode).toBe(201);
  await ended;
  expect(() => process.kill(-npm.pid!, 0)).toThrow('ESRCH');
});

/** `npm start` would build again, beside tests that use the build. */
it('npm start replaces its shell by the service, as start:prod does', () => {
  const file = readFileSync(join(ROOT, 'package.json'), 'utf8');
  const { scripts } = JSON.parse(file) as { scripts: Record<string, string> };
  expect(scripts.start).toMatch(/ && exec node \S+ dist\/main\.js$/);
});

it('npm pack leaves nothing that git would add', async () => {
  const npm = spawn(
    'npm',
    ['pack', '--dry-run', '--json', '--ignore-scripts'],
    { cwd: ROOT, stdio: ['ignore', 'pipe', 'inherit'] },
  );
  const [{ filename }] = (await json(npm.stdout)) as [{ filename: string }];
  const directory = temporaryDirectory();
  copyFileSync(join(ROOT, '.gitignore'), join(directory, '.gitignore'));
  writeFileSync(join(directory, filename), '');
  mkdirSync(join(directory, 'dist'));
  writeFileSync(join(directory, 'dist/main.js'), '');
  const git = (...args: string[]) =>
    execFileSync('git', args, { cwd: directory, encoding: 'utf8' });
  git('init', '--quiet');
  expect(git('status', '--porcelain')).toBe('?? .gitignore\n');
});

it('npm test says also at its end what it did not run', async () => {
  const vitest = join(ROOT, 'node_modules/vitest/vitest.mjs');
  const tests = ['--project', 'unit', 'src/app/config/unknown-variables'];
  const child = spawn(
    '/bin/sh',
    ['-c', 'exec "$0" "$@" 2>&1', process.execPath, vitest, 'run', ...tests],
    {
      cwd: ROOT,
      // Neither a MySQL server nor a browser is there.
      env: { PATH: temporaryDirectory(), NO_COLOR: '1' },
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  );
  const output = await text(child.stdout);
  const warning = '!!! WARNING: no Chromium was found';
  const [start, end, ...more] = output.split(/^ *Test Files.*1 passed/m);
  expect(more).toEqual([]);
  expect(start).toContain(warning);
  expect(end).toContain(warning);
});

function childOf(pid: number): number {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8');
  return Number(children.trim());
}

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
