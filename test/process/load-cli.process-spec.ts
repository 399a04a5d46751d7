import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { describe, expect, it } from 'vitest';
import { runLoader } from '../support/test-service.js';

const FILE = 'test/fixtures/conversations.jsonl';

describe('npm run load without a service', () => {
  it('says in one line that the service cannot be reached', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    server.close();
    await once(server, 'close');
    const ending = await runLoader(FILE, '--url', `http://127.0.0.1:${port}`);
    expect(ending).toMatchObject({
      exitCode: 1,
      stdout: '',
      stderr: `Stopped: cannot reach http://127.0.0.1:${port}/: ECONNREFUSED\n`,
    });
  });

  it('says in one line that the file cannot be read', async () => {
    const ending = await runLoader('no-such-file.jsonl');
    expect(ending.stderr).toMatch(
      /^Stopped: cannot read [^\n]*ENOENT[^\n]*\n$/,
    );
    expect(ending.stdout).toBe('');
    expect(ending.exitCode).toBe(1);
  });

  it.each([
    ['no file', []],
    ['an unknown option', [FILE, '--fast']],
    ['an invalid value', [FILE, '--concurrency', '0']],
  ])('prints its usage for %s', async (_what, args) => {
    const ending = await runLoader(...args);
    expect(ending.stderr).toMatch(/^\S.*\n\nUsage: npm run load -- FILE/);
    expect(ending.stdout).toBe('');
    expect(ending.exitCode).toBe(2);
  });
});
