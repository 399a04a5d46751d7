import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { ChatSessionsClient } from '../../src/client/index.js';
import { freePort } from '../support/mysql-server.js';
import { temporaryDirectory } from '../support/temporary-directory.js';
import { startTestService } from '../support/test-service.js';
import { pathDirectories, which } from '../support/which.js';

/** Debian has it in a directory that is not on every PATH. */
const NGINX = which(['nginx'], [...pathDirectories(), '/usr/sbin']);

/** Starts nginx with `gzip on` before a service. Resolves to its URL once it listens. */
async function startNginx(upstream: string): Promise<string> {
  const directory = temporaryDirectory();
  const port = await freePort();
  const paths = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (name) => `${name}_temp_path ${join(directory, name)};`,
  );
  const config = `
    daemon off;
    pid ${join(directory, 'pid')};
    error_log stderr;
    events {}
    http {
      access_log off;
      ${paths.join('\n')}
      gzip on;
      gzip_min_length 1;
      gzip_types application/json;
      server {
        listen 127.0.0.1:${port};
        location / { proxy_pass ${upstream}; }
      }
    }`;
  writeFileSync(join(directory, 'nginx.conf'), config);
  const nginx = spawn(NGINX!, ['-p', directory, '-c', 'nginx.conf'], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const ended = once(nginx, 'exit');
  onTestFinished(async () => {
    nginx.kill();
    await ended;
  });
  const url = `http://127.0.0.1:${port}`;
  await expect
    .poll(() => fetch(url).catch(() => undefined), { timeout: 60_000 })
    .toBeDefined();
  return url;
}

it.skipIf(!NGINX)('If-Match works behind nginx with gzip', async () => {
  const service = await startTestService({
    AUTH_MODE: 'none',
    DATABASE_URL: 'sqlite::memory:',
  });
  const baseUrl = await startNginx(service.url);
  const client = new ChatSessionsClient({ baseUrl });
  const { chat_session } = await client.create({ title: 'Compressed' });
  const { id } = chat_session;

  const path = `${baseUrl}/api/chat-sessions/${id}`;
  const read = await fetch(path);
  expect(read.headers.get('content-encoding')).toBe('gzip');
  expect(read.headers.get('etag')).toMatch(/^W\//);
  const pinned = await fetch(path, {
    method: 'PATCH',
    headers: {
      'content-type': 'application/json',
      'if-match': read.headers.get('etag')!,
    },
    body: '{"pinned":true}',
  });
  expect(pinned.status).toBe(200);

  const current = pinned.headers.get('etag')!;
  expect(current).toMatch(/^W\//);
  const renamed = await client.update(
    id,
    { title: 'Again' },
    { ifMatch: current },
  );
  expect(renamed.etag).toMatch(/^W\//);
  await expect(
    client.update(id, { title: 'Late' }, { ifMatch: current }),
  ).rejects.toMatchObject({ status: 412 });
});
