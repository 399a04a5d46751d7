import { expect, it } from 'vitest';
import { runLoader, startTestService } from '../support/test-service.js';

it('the loader waits as long as Retry-After says when its writes are limited', async () => {
  const service = await startTestService({ RATE_LIMIT_WRITES: '25' });
  const file = 'test/fixtures/conversations.jsonl';
  const { stdout, exitCode } = await runLoader(file, '--url', service.url);
  expect(stdout).toMatch(/^Loaded 30 conversations with 428 messages/);
  expect(stdout).toContain('Failures: 0\n');
  expect(exitCode).toBe(0);
  // The writes exceed the limit of one window, which lasts a minute.
  const [, seconds] = / in ([\d.]+) s/.exec(stdout) ?? [];
  expect(Number(seconds)).toBeGreaterThan(45);
});
