import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** By then whoever waits for the service has seen that it is ready. */
const START_IS_OVER_MS = 1_000;

/**
 * Keeps the heap close to what is alive, once the service listens. Otherwise V8
 * lets it grow to several times that, and collects it for the first time only
 * when requests have added as much garbage again as the start has left (npm run
 * bench -- --only memory). Requests leave little to collect; a start would be
 * longer by it (--only start).
 */
export function keepHeapSmall(): void {
  setFlagsFromString('--heap-growing-percent=25');
  setTimeout(collect, START_IS_OVER_MS).unref();
}

function collect(): void {
  setFlagsFromString('--expose-gc');
  const gc = runInNewContext('gc') as () => void;
  setFlagsFromString('--no-expose-gc');
  gc();
}
