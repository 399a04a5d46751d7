import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { failToStart } from '../support/service-process.js';
import { temporaryDirectory } from '../support/temporary-directory.js';
import { startTestService } from '../support/test-service.js';
import { JWT_SECRET } from '../support/tokens.js';

describe('a service without settings', () => {
  it('creates its database in the working directory', async () => {
    const cwd = temporaryDirectory();
    const { url } = await startTestService({}, { cwd });
    expect(readdirSync(cwd)).toEqual(['data']);
    expect(readdirSync(join(cwd, 'data'))).toContain('chat-sessions.sqlite');
    const response = await fetch(`${url}/health/ready`);
    expect(response.status).toBe(200);
    expect(await response.json()).toEqual({ status: 'ok' });
  });

  it('serves Swagger UI with all of its assets', async () => {
    const { url } = await startTestService();
    const response = await fetch(`${url}/api/docs`);
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toMatch('text/html');
    const html = await response.text();
    expect(html).toContain('<title>Chat Sessions</title>');

    const assets = [...html.matchAll(/(?:src|href)="([^"]+)"/g)].map(
      ([, path]) => path!,
    );
    expect(assets).toContainEqual(expect.stringMatching(/\.css$/));
    expect(assets).toContainEqual(expect.stringMatching(/swagger-ui.*\.js$/));
    for (const path of assets) {
      const asset = await fetch(new URL(path, response.url));
      const { length } = await asset.text();
      expect({ path, status: asset.status, empty: length === 0 }).toEqual({
        path,
        status: 200,
        empty: false,
      });
    }
  });
});

describe('the file .env', () => {
  it('sets variables unless the environment sets them', async () => {
    const cwd = temporaryDirectory();
    writeFileSync(
      join(cwd, '.env'),
      'PORT=1\nDATABASE_URL=sqlite:elsewhere.sqlite\nBODY_LIMIT=1024\n',
    );
    const { url } = await startTestService({}, { cwd });
    expect(existsSync(join(cwd, 'elsewhere.sqlite'))).toBe(true);
    expect(existsSync(join(cwd, 'data'))).toBe(false);
    const response = await fetch(`${url}/api/chat-sessions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ title: 'x'.repeat(1024) }),
    });
    expect(response.status).toBe(413);
  });

  it.each([
    ['Notepad', 'utf8'],
    ['PowerShell', 'utf16le'],
  ] as const)(
    'counts from its first line if %s wrote it',
    async (_, encoding) => {
      const cwd = temporaryDirectory();
      const text = `\uFEFFAUTH_MODE=jwt\r\nJWT_SECRET=${JWT_SECRET}\r\n`;
      writeFileSync(join(cwd, '.env'), text, encoding);
      const { url } = await startTestService({}, { cwd });
      expect((await fetch(`${url}/api/history`)).status).toBe(401);
    },
  );

  it('is refused in UTF-16 without a byte order mark', async () => {
    const cwd = temporaryDirectory();
    writeFileSync(join(cwd, '.env'), 'AUTH_MODE=jwt\r\n', 'utf16le');
    const { exitCode, stderr } = await failToStart({}, { cwd });
    expect(stderr).toBe(
      'Chat Sessions: Invalid configuration: .env must be UTF-8, or UTF-16 with a byte order mark\n',
    );
    expect(exitCode).toBe(1);
  });

  it('is validated like the environment', async () => {
    const cwd = temporaryDirectory();
    writeFileSync(join(cwd, '.env'), 'BODY_LIMIT=many\n');
    const { exitCode, stderr } = await failToStart({}, { cwd });
    expect(stderr).toBe(
      'Chat Sessions: Invalid configuration: BODY_LIMIT must be an integer number\n',
    );
    expect(exitCode).toBe(1);
  });
});

describe('invalid settings', () => {
  it('are all named in one line, without their values', async () => {
    const { exitCode, stderr } = await failToStart({
      PORT: '70000',
      DATABASE_URL: 'postgres://chat:hunter2@db/chat',
      DATABASE_MIGRATE: 'maybe',
      LOG_LEVEL: 'loud',
    });
    expect(stderr).toMatch(/^Chat Sessions: Invalid configuration: [^\n]+\n$/);
    for (const name of [
      'PORT',
      'DATABASE_URL',
      'DATABASE_MIGRATE',
      'LOG_LEVEL',
    ]) {
      expect(stderr).toContain(`${name} must`);
    }
    expect(stderr).not.toMatch(/70000|postgres|hunter2|maybe|loud/);
    expect(exitCode).toBe(1);
  });
});
