import { join } from 'node:path';
import { build, type Rolldown } from 'vite';
import { ROOT } from './service-process.js';

/** Bundles the client into a script for browsers that defines `client`. */
export async function bundleClient(
  entry = 'src/client/index.ts',
): Promise<Rolldown.OutputChunk> {
  const outputs = await build({
    configFile: false,
    logLevel: 'error',
    build: {
      write: false,
      lib: {
        entry: join(ROOT, entry),
        formats: ['iife'],
        name: 'client',
      },
    },
  });
  const [output] = outputs as Rolldown.RolldownOutput[];
  return output!.output[0];
}
