import { expect, it } from 'vitest';
import { runLoader, runNode } from '../support/test-service.js';

it.each([
  ['dist/main.js', 'Usage: npm start'],
  ['dist/migrate.js', 'Usage: npm run migration:run'],
])(
  '%s prints its usage for --help, and refuses arguments',
  async (file, usage) => {
    for (const flag of ['--help', '-h']) {
      const help = await runNode([file, flag], {});
      expect(help.stdout).toMatch(new RegExp(`^${usage}`));
      expect([help.exitCode, help.stderr]).toEqual([0, '']);
    }
    const ending = await runNode([file, '--port', '80'], {});
    expect(ending.stderr).toMatch(/^Chat Sessions: Unknown option '--port'/);
    expect([ending.exitCode, ending.stdout]).toEqual([1, '']);
  },
);

it('the loader prints its usage for --help', async () => {
  const { stdout, stderr, exitCode } = await runLoader('--help');
  expect(stdout).toMatch(/^Usage: npm run load -- FILE/);
  expect([exitCode, stderr]).toEqual([0, '']);
});
