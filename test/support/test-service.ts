import { onTestFinished } from 'vitest';
import {
  type Ending,
  type Environment,
  type LaunchOptions,
  launchService,
  listening,
  NodeProcess,
  ROOT,
  type ServiceProcess,
} from './service-process.js';

/** Starts the built service on a free port. It stops when the test ends. */
export function startTestService(
  environment: Environment = {},
  options: LaunchOptions = {},
): Promise<ServiceProcess> {
  const process = launchService(environment, options);
  onTestFinished(async () => {
    await process.stop();
  });
  return listening(process);
}

/** Runs a Node.js program to its end, or to the end of the test. */
export function runNode(
  args: string[],
  environment: Environment = {},
  cwd = ROOT,
): Promise<Ending> {
  const program = new NodeProcess(args, environment, cwd);
  onTestFinished(async () => {
    await program.stop('SIGKILL');
  });
  return program.ended;
}

/** Runs the loader: `npm run load -- ...args`. */
export function runLoader(...args: string[]): Promise<Ending> {
  return runNode(['--import', 'tsx', 'tools/load/cli.ts', ...args]);
}
