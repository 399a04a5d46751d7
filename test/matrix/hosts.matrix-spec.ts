import {
  describeHost,
  hostDirectory,
} from '../support/embedding/host-tests.js';
import { type HostPackages, installHost } from '../support/embedding/hosts.js';
import { STORE } from '../support/stores.js';

const PACKAGES = ([10, 11, 12] as const).flatMap((nest) =>
  (['express', 'fastify'] as const).flatMap((adapter) =>
    (['0.3', '1'] as const).map((typeorm): HostPackages => ({
      nest,
      adapter,
      typeorm,
    })),
  ),
);

for (const packages of PACKAGES) {
  const directory = hostDirectory();
  let installed: Promise<void> | undefined;
  for (const format of ['commonjs', 'module'] as const) {
    describeHost({ ...packages, store: STORE, format }, async () => {
      await (installed ??= installHost(directory, packages));
      return directory;
    });
  }
}
