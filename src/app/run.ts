import { reasonOf } from '../errors/describe-error.js';

/**
 * Runs a program. Where it fails, one line says why, and the exit code is 1: a
 * stack says nothing more about a wrong setting or a database that is down.
 */
export async function run(program: () => Promise<void>): Promise<void> {
  try {
    await program();
  } catch (error) {
    console.error(`Chat Sessions: ${reasonOf(error)}`);
    process.exit(1);
  }
}
