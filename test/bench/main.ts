import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { run } from '../../src/app/run.js';
import build from '../support/build.global-setup.js';
import { ROOT } from '../support/service-process.js';
import { branchedPages } from './branches.js';
import { comparison, type EarlierFigures } from './comparison.js';
import { measureForks } from './forks.js';
import { growthByMessages, growthBySessions } from './growth.js';
import { describeCommit, describeMachine } from './machine.js';
import { parseOptions, PARTS, type Options, type Part } from './options.js';
import { PeerScenarios } from './peer-scenarios.js';
import { measureMemory, measureStarts } from './process-figures.js';
import { summary, writeReport } from './report.js';
import type { Results } from './results.js';
import { measureRuns } from './runs.js';
import { measure, type Scenario } from './scenario.js';
import { MARIADB_SETTINGS, Stage } from './stage.js';
import { Templates } from './templates.js';

/** The results so far; git ignores the file. */
const PARTIAL = join(ROOT, 'data/benchmarks.json');

// Processes that this one started are stopped at `exit`.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.once(signal, () => process.exit(1));
}

// Each process that this one started has a listener of `exit`.
process.setMaxListeners(100);

const USAGE = `Usage: npm run bench -- [options]

Without options, measures everything and writes docs/benchmarks.md.

  --only PARTS          some parts, separated by commas: ${PARTS.join(', ')}
  --before DIRECTORY    a built checkout, to compare with in the same run
  --rounds N            rounds of each scenario (5)
  --seconds N           seconds of a measurement (5)
  --minutes N           minutes of the load under which memory is measured (10)
  --quick               small sizes, one round: does it run at all?
  --conversations FILE  conversations to take messages from`;

await run(USAGE, async () => {
  const options = parseOptions(process.argv.slice(2));
  const machine = await describeMachine();
  await build();
  const stage = await Stage.open(await Templates.read(options.conversations));
  const results: Results = {
    machine,
    mariadb: { version: await stage.version(), settings: MARIADB_SETTINGS },
    pace: options.pace,
    scenarios: [],
    seedings: [],
  };
  const earlier: EarlierFigures = {};
  try {
    await runParts(stage, options, { results, earlier });
  } finally {
    await stage.close();
  }
  console.log(`\n${summary(results)}`);
  if (options.before) {
    console.log(
      `### Compared with ${describeCommit(options.before)}\n\n${comparison(results, earlier)}`,
    );
  }
  if (options.isWhole) await writeReport(join(ROOT, 'docs'), results);
});

async function runParts(
  stage: Stage,
  options: Options,
  { results, earlier }: { results: Results; earlier: EarlierFigures },
): Promise<void> {
  const { parts, pace, sizes, minutes, before } = options;
  const prepared: { peers?: PeerScenarios } = {};
  const peers = async () =>
    (prepared.peers ??= await PeerScenarios.prepare(stage, sizes, before));
  const compare = async (scenario: Scenario) => {
    say(scenario.title);
    results.scenarios.push(await measure(scenario, pace, stage.databasePid));
  };
  const part: Record<Part, () => Promise<void>> = {
    read: async () => compare(await (await peers()).read()),
    conditional: async () => compare(await (await peers()).conditional()),
    append: async () => compare(await (await peers()).append()),
    'append-long': async () => compare(await (await peers()).appendLong()),
    list: async () => compare(await (await peers()).list()),
    page: async () => compare(await (await peers()).page()),
    connections: async () => {
      for (const scenario of await (await peers()).connectionSettings()) {
        await compare(scenario);
      }
    },
    'growth-sessions': async () => {
      const scenarios = await growthBySessions(
        stage,
        sizes.sessions,
        (seeding) => results.seedings.push(seeding),
      );
      for (const scenario of scenarios) await compare(scenario);
    },
    'growth-messages': async () => {
      const scenarios = await growthByMessages(stage, sizes.messages);
      for (const scenario of scenarios) await compare(scenario);
    },
    branches: async () => compare(await branchedPages(stage)),
    forks: async () => {
      const { url } = await stage.database('bench_forks');
      const stores = { SQLite: 'sqlite:chat.sqlite', MariaDB: url };
      results.forks = await measureForks(stores, sizes.forks, pace.rounds);
    },
    runs: async () => {
      const { runs, outputs } = await measureRuns(stage, sizes.runs, pace);
      results.runs = runs;
      results.scenarios.push(outputs);
    },
    memory: async () => {
      const measure = async (root?: string) => {
        const { server, ...load } = await (await peers()).mixed(root);
        return measureMemory(server, load, minutes);
      };
      results.memory = await measure();
      if (before) earlier.memory = await measure(before);
    },
    start: async () => {
      const roots = before ? [ROOT, before] : [ROOT];
      const starts = await measureStarts(sizes.starts, roots);
      [results.starts, earlier.starts] = starts;
    },
  };
  await mkdir(join(ROOT, 'data'), { recursive: true });
  for (const name of parts) {
    say(name);
    await part[name]();
    await writeFile(PARTIAL, JSON.stringify(results));
  }
}

function say(what: string): void {
  console.log(`${new Date().toISOString().slice(11, 19)}  ${what}`);
}
