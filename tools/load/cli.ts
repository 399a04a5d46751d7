import { SingleBar } from 'cli-progress';
import { parseArgs } from 'node:util';
import { load, type LoadOptions } from './load.js';
import { format } from './report.js';

const USAGE = `Usage: npm run load -- FILE [options]

Sends the conversations of FILE, one JSON object per line, to the service:
  {"source": "...", "title": "...", "messages": [{"role", "content", "parts"?}]}

  --url URL          URL of the service (http://127.0.0.1:3000)
  --token TOKEN      bearer token for the Authorization header
  --concurrency N    conversations to send at a time, 1 to 100 (8)
  --verify           read every session back and compare it with FILE
`;

function parse(args: string[]): LoadOptions {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      url: { type: 'string', default: 'http://127.0.0.1:3000' },
      token: { type: 'string' },
      concurrency: { type: 'string', default: '8' },
      verify: { type: 'boolean', default: false },
    },
  });
  const [file, ...more] = positionals;
  if (!file || more.length > 0) throw new Error('Give one FILE');
  const url = URL.canParse(values.url) ? new URL(values.url) : undefined;
  if (!url || !/^https?:$/.test(url.protocol) || url.username || url.search) {
    throw new Error('--url must be an http or https URL, without credentials');
  }
  if (!/^([1-9]\d?|100)$/.test(values.concurrency)) {
    throw new Error('--concurrency must be a whole number from 1 to 100');
  }
  // The error of fetch would quote the token.
  if (values.token !== undefined && !/^[\x21-\x7e]+$/.test(values.token)) {
    throw new Error('--token must be printable ASCII without spaces');
  }
  const concurrency = Number(values.concurrency);
  return { ...values, file, url: url.href, concurrency };
}

/** Returns the exit code: 0, 1 if anything failed, 2 if the arguments are wrong. */
async function main(args: string[]): Promise<number> {
  if (args.includes('--help') || args.includes('-h')) {
    process.stdout.write(USAGE);
    return 0;
  }
  let options: LoadOptions;
  try {
    options = parse(args);
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n\n${USAGE}`);
    return 2;
  }
  const bar = new SingleBar({
    format: '{bar} {percentage}% | {duration_formatted}, {eta_formatted} left',
    clearOnComplete: true,
    // Conversations differ in size: with a small buffer the time left would jump.
    etaBuffer: 500,
    // Without it, Ctrl-C would leave a terminal that does not wrap lines.
    linewrap: true,
  });
  if (process.stderr.isTTY) {
    bar.start(1, 0);
    options.onProgress = (done, total) => {
      bar.setTotal(total);
      bar.update(done);
    };
  }
  const report = await load(options);
  bar.stop();
  if (report.conversations > 0 || !report.stopped) {
    process.stdout.write(`${format(report)}\n`);
  }
  if (report.stopped) process.stderr.write(`Stopped: ${report.stopped}\n`);
  return report.stopped || report.failures.length > 0 ? 1 : 0;
}

process.exitCode = await main(process.argv.slice(2));
