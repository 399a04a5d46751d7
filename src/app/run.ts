import { reasonOf } from '../errors/describe-error.js';

/**
 * Runs a program, or prints its usage if an argument is `--help` or `-h`. If the
 * program fails, prints the reason in one line and exits with 1: a stack would not
 * tell more about a wrong setting or a database that is down.
 */
export async function run(
  usage: string,
  program: () => Promise<void>,
): Promise<void> {
  // Without a listener, a log line whose reader has gone (EPIPE) would end the
  // process. Node.js tries again with the next line.
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', () => undefined);
  }
  if (process.argv.some((arg) => arg === '--help' || arg === '-h')) {
    console.log(usage);
    return;
  }
  try {
    await program();
  } catch (error) {
    console.error(`Chat Sessions: ${reasonOf(error)}`);
    process.exit(1);
  }
}
