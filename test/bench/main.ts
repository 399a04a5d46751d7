import { parseOptions } from './options.js';
import { PeerScenarios } from './peer-scenarios.js';
import { measure, type Scenario } from './scenario.js';
import { toolVersions } from './servers.js';
import { Stage } from './stage.js';
import { Templates } from './templates.js';
import build from '../support/build.global-setup.js';
import { spreadOf } from './statistics.js';

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => process.exit(130));
}
const options = parseOptions(process.argv.slice(2));
console.log(await toolVersions());
await build();
const stage = await Stage.open(await Templates.read(options.conversations));
try {
  const t = performance.now();
  const peers = await PeerScenarios.prepare(stage, options.sizes);
  console.log('prepared', performance.now() - t);
  const all: Record<string, () => Promise<Scenario>> = {
    read: () => peers.read(),
    conditional: () => peers.conditional(),
    append: () => peers.append(),
    'append-long': () => peers.appendLong(),
    list: () => peers.list(),
    page: () => peers.page(),
  };
  for (const part of options.parts) {
    if (!all[part]) continue;
    const result = await measure(await all[part](), options.pace);
    for (const [name, rounds] of Object.entries(result.rounds)) {
      console.log(
        part,
        name,
        spreadOf(rounds.map((r) => r.rate)),
        spreadOf(rounds.map((r) => r.p50)).median,
        rounds.map((r) => r.lost),
      );
    }
  }
} finally {
  await stage.close();
}
