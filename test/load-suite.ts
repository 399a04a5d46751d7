import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { parseArgs } from 'node:util';

const USAGE = `Usage: npm run test:load -- [options] [-- arguments of vitest run]

Runs the tests while other processes keep the machine busy.

  --busy N    processes that are busy (default 8)
  --runs N    how often the tests run (default 5)
  --help      print this`;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    busy: { type: 'string', default: '8' },
    runs: { type: 'string', default: '5' },
    help: { type: 'boolean' },
  },
});
if (values.help) {
  console.log(USAGE);
  process.exit();
}

const busy = Array.from({ length: Number(values.busy) }, () =>
  spawn(process.execPath, ['-e', 'for (;;);'], { stdio: 'ignore' }),
);
const stop = () => busy.forEach((one) => one.kill('SIGKILL'));
process.once('exit', stop);
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => process.exit(1));
}

/** One run of the tests, with the tallies that Vitest prints at its end. */
async function runTests(): Promise<{ code: number; summary: string }> {
  const tests: ChildProcess = spawn('npx', ['vitest', 'run', ...positionals], {
    env: { ...process.env, NO_COLOR: '1' },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  tests.stdout!.setEncoding('utf8').on('data', (text: string) => {
    process.stdout.write(text);
    output += text;
  });
  const [code] = (await once(tests, 'close')) as [number | null];
  const lines = output.match(/^ *(?:Test Files|Tests|Errors) .+$/gm) ?? [];
  return {
    code: code ?? 1,
    summary: lines.map((line) => line.trim()).join('; '),
  };
}

const results: string[] = [];
for (let run = 1; run <= Number(values.runs); run++) {
  const { code, summary } = await runTests();
  results.push(`Run ${run}: ${code === 0 ? 'passed' : 'FAILED'}. ${summary}`);
  if (code !== 0) process.exitCode = 1;
}
stop();
console.log(`\nWith ${busy.length} busy processes:\n${results.join('\n')}`);
