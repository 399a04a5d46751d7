import { expect, it } from 'vitest';
import { runNode } from '../support/test-service.js';

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

it.each([
  ['tools/load/cli.ts', 'Usage: npm run load -- FILE'],
  ['tools/token.ts', 'Usage: npm run token -- --sub OWNER'],
  ['tools/pack/cli.ts', 'Usage: npm run pack'],
  ['tools/docs-map/cli.ts', 'Usage: npm run docs:map'],
  ['tools/openapi.ts', 'Usage: npm run openapi'],
  ['test/bench/main.ts', 'Usage: npm run bench -- '],
  ['test/matrix/main.ts', 'Usage: npm run test:matrix -- '],
])('%s prints its usage for --help', async (file, usage) => {
  const help = await runNode(['--import', 'tsx', file, '--help']);
  expect(help.stdout).toMatch(new RegExp(`^${usage}`));
  expect([help.exitCode, help.stderr]).toEqual([0, '']);
});
