import { expect, it, onTestFinished } from 'vitest';
import { runLoader, startService } from '../support/service-process.js';

it('the loader waits out the Retry-After of a service that limits its writes', async () => {
  const service = await startService({ RATE_LIMIT_WRITES: '25' });
  onTestFinished(async () => {
    await service.stop();
  });
  const file = 'test/fixtures/conversations.jsonl';
  const { stdout, exitCode } = await runLoader(file, '--url', service.url);
  expect(stdout).toMatch(/^Loaded 30 conversations with 428 messages/);
  expect(stdout).toContain('Failures: 0\n');
  expect(exitCode).toBe(0);
  // A window is a minute, and so many writes did not fit into one.
  const [, seconds] = / in ([\d.]+) s/.exec(stdout) ?? [];
  expect(Number(seconds)).toBeGreaterThan(45);
}, 150_000);
