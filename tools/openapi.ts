import { execFileSync } from 'node:child_process';
import { run } from '../src/app/run.js';

const USAGE = `Usage: npm run openapi

Builds the service, and writes openapi.json and the types of the client in src/client/openapi.`;

await run(USAGE, async () => {
  for (const [command, ...args] of [
    ['npm', 'run', 'build'],
    ['node', 'dist/app/openapi/write.js'],
    ['openapi-ts', '--silent'],
  ] as const) {
    execFileSync(command, args, { stdio: 'inherit' });
  }
});
