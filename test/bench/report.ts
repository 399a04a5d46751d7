import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ForkResult, ForkRound } from './forks.js';
import { type Verdict, verdictsOf } from './goals.js';
import { METHOD } from './method.js';
import { linePlot, ratioPlot, type Row } from './plots.js';
import { type Results, serialize } from './results.js';
import type { CrowdRound, FinishRound, RunResult } from './runs.js';
import type { ScenarioResult } from './scenario.js';
import { ratioOf, type Spread, spreadOf } from './statistics.js';

/** The contender that the others are compared with, unless a scenario names another. */
const REFERENCE = 'bare';
const OURS = /^(off|validated|exclusive)/;
const isGrowth = ({ name }: ScenarioResult) =>
  /^(sessions|messages)-/.test(name);

/** Writes the results, the page and its plots. */
export async function writeReport(
  directory: string,
  results: Results,
): Promise<void> {
  const plots = plotsOf(results);
  await mkdir(join(directory, 'benchmarks'), { recursive: true });
  for (const [name, plot] of Object.entries(plots)) {
    await writeFile(join(directory, 'benchmarks', `${name}.svg`), plot);
  }
  await writeFile(join(directory, 'benchmarks.json'), serialize(results));
  const images = Object.keys(plots).map(
    (name) => `![${name}](benchmarks/${name}.svg)\n`,
  );
  await writeFile(join(directory, 'benchmarks.md'), page(results, images));
}

/** The goals and the figures as text. */
export function summary(results: Results): string {
  return [goals(verdictsOf(results)), ...figures(results)].join('\n');
}

function page(results: Results, images: string[]): string {
  return [
    '# Benchmarks\n',
    'Written by `npm run bench`; change nothing here by hand.\n',
    '## Ratios\n',
    'The median of the rounds, with the lowest and the highest in brackets.\n',
    goals(verdictsOf(results)),
    ...images,
    '## Figures\n',
    ...figures(results),
    '## Machine\n',
    ...machine(results),
    METHOD,
  ].join('\n');
}

function goals(verdicts: Verdict[]): string {
  return table(
    ['what', 'goal', 'measured', ''],
    verdicts.map(({ what, goal, unit, measured, isMet }) => [
      what,
      goal,
      `${inBrackets(measured, 2)} ${unit}`,
      isMet ? 'met' : '**missed**',
    ]),
  );
}

function figures(results: Results): string[] {
  const { scenarios, seedings, forks, runs, memory, starts } = results;
  const texts = scenarios.map(
    (scenario) =>
      `### ${scenario.title}\n\n${scenario.connections} ${scenario.connections === 1 ? 'connection' : 'connections'}.\n\n${scenarioTable(scenario)}`,
  );
  if (seedings.length > 0) {
    texts.push(
      `### Databases\n\n${table(
        ['sessions', 'tables and indexes', 'seeded in'],
        seedings.map(({ sessions, bytes, seconds }) => [
          grouped(sessions),
          `${grouped(bytes / 1e6)} MB`,
          `${grouped(seconds)} s`,
        ]),
      )}`,
    );
  }
  if (forks) texts.push(forkTable(forks));
  if (runs) texts.push(runText(runs));
  if (memory) {
    const { minutes, load, early, late, samples } = memory;
    texts.push(
      `### Memory\n\nRSS under ${minutes} minutes of mixed load (${grouped(load.rate)} requests/s): ${early.toFixed(0)} MB after a tenth of the time, ${late.toFixed(0)} MB at the end, ${Math.max(...samples).toFixed(0)} MB at most.\n`,
    );
  }
  if (starts) {
    texts.push(
      `### Start\n\nFrom the start of the process to \`/health/ready\`, embedded store, empty directory, ${starts.length} times: ${inBrackets(spreadOf(starts), 2)} s.\n`,
    );
  }
  return texts;
}

function forkTable(forks: ForkResult[]): string {
  const { long, veryLong } = forks[0]!.sizes;
  const rows = forks.map(({ store, rounds }) => {
    const ms = (figure: keyof ForkRound) =>
      inBrackets(spreadOf(rounds.map((round) => round[figure])), 0);
    return [
      store,
      ms('append'),
      ms('fork'),
      ms('longFork'),
      ms('alone'),
      ms('beside'),
      ms('slowest'),
    ];
  });
  return `### Forks\n\nMilliseconds. 32 clients append one message at a time, without a fork and during a fork of ${grouped(veryLong)} messages.\n\n${table(
    [
      '',
      'append of 100',
      `fork of ${grouped(long)}`,
      `fork of ${grouped(veryLong)}`,
      'append without a fork',
      'append during a fork',
      'the slowest',
    ],
    rows,
  )}`;
}

function runText({ writers, crowd, finishes }: RunResult): string {
  const of = (figure: keyof CrowdRound, digits: number) =>
    inBrackets(spreadOf(crowd.map((round) => round[figure])), digits);
  const finish = (figure: keyof FinishRound) =>
    inBrackets(spreadOf(finishes.map((round) => round[figure])), 0);
  return `### Runs\n\n${writers} runs at once, each with an output of 20 words every 250 ms. Latencies in milliseconds, as the writers see them.\n\n${table(
    ['outputs/s', 'p50', 'p99', 'the slowest', 'RSS in MB, at most'],
    [[of('rate', 0), of('p50', 1), of('p99', 1), of('max', 0), of('rss', 0)]],
  )}\nA finish of an answer of 1 MiB, alone: ${finish('large')} ms if it was written in outputs of 64 KiB, ${finish('small')} ms in outputs of 20 words.\n`;
}

function scenarioTable({
  rounds,
  reference: name = REFERENCE,
}: ScenarioResult): string {
  const reference = rounds[name];
  const isLossy = Object.values(rounds)
    .flat()
    .some(({ lost }) => lost);
  const rows = Object.entries(rounds).map(([name, measurements]) => {
    const of = (figure: 'rate' | 'p50' | 'p90' | 'p99') =>
      spreadOf(measurements.map((measurement) => measurement[figure]));
    const ms = (figure: 'p50' | 'p90' | 'p99') =>
      (of(figure).median / 1000).toFixed(2);
    const used = (figure: 'serverMs' | 'databaseMs') =>
      spreadOf(
        measurements.map((measurement) => measurement[figure]),
      ).median.toFixed(2);
    const lost = measurements.reduce((sum, { lost = 0 }) => sum + lost, 0);
    return {
      rate: of('rate').median,
      cells: [
        `\`${name}\``,
        inBrackets(of('rate'), of('rate').median < 100 ? 1 : 0),
        ...(reference ? [per(measurements, reference).median.toFixed(2)] : []),
        ms('p50'),
        ms('p90'),
        ms('p99'),
        used('serverMs'),
        used('databaseMs'),
        ...(isLossy ? [grouped(lost)] : []),
      ],
    };
  });
  return table(
    [
      '',
      'requests/s',
      ...(reference ? [`per \`${name}\``] : []),
      'p50 ms',
      'p90 ms',
      'p99 ms',
      'CPU ms',
      'of the database',
      ...(isLossy ? ['lost'] : []),
    ],
    rows.toSorted((a, b) => b.rate - a.rate).map(({ cells }) => cells),
  );
}

function per(
  measurements: { rate: number }[],
  reference: { rate: number }[],
): Spread {
  return ratioOf(
    measurements.map(({ rate }) => rate),
    reference.map(({ rate }) => rate),
  );
}

function plotsOf(results: Results): Record<string, string> {
  const plots: Record<string, string> = {};
  for (const { name, title, rounds } of results.scenarios) {
    const reference = rounds[REFERENCE];
    if (!reference) continue;
    const rows = Object.entries(rounds).map(([label, measurements]) => ({
      label: OURS.test(label) ? `ours, ${label}` : label,
      value: per(measurements, reference),
      isOurs: OURS.test(label),
    }));
    plots[name] = ratioPlot(
      title.replaceAll('`', ''),
      `requests a second, per ${REFERENCE}`,
      rows.toSorted((a, b) => b.value.median - a.value.median),
    );
  }
  const growth = results.scenarios.filter(isGrowth).map(growthRow);
  if (growth.length > 0) {
    plots.growth = ratioPlot(
      'Growth',
      'median latency on much data, per that on little data',
      growth,
    );
  }
  if (results.memory) {
    const { samples, minutes } = results.memory;
    plots.memory = linePlot('Memory under mixed load', 'RSS in MB', samples, {
      minutes,
      limit: 200,
    });
  }
  return plots;
}

function growthRow({ name, rounds }: ScenarioResult): Row {
  const [small, large] = Object.values(rounds).map((measurements) =>
    measurements.map(({ p50 }) => p50),
  );
  const label = `${name.replace(/.*-/, '')}, by ${name.replace(/-.*/, '')}`;
  return { label, value: ratioOf(large!, small!), isOurs: true };
}

function machine({ machine: its, mariadb }: Results): string[] {
  const packages = Object.entries(its.packages).map(
    ([name, version]) => `${name} ${version}`,
  );
  return [
    `- ${its.date}, commit ${its.commit}`,
    `- ${its.processor}, ${its.cores} cores, ${its.gigabytes} GiB of memory; ${its.system}`,
    `- a synced write of 4 KiB takes ${its.syncMs.toFixed(2)} ms (median)`,
    `- MariaDB ${mariadb.version}, durable: \`${mariadb.settings.join(' ')}\``,
    `- Node.js ${its.node}; ${packages.join(', ')}`,
    `- ${its.python}`,
    `- ${its.wrk}\n`,
  ];
}

/** `median (min to max)` */
export function inBrackets(
  { median, min, max }: Spread,
  digits: number,
): string {
  const show = (value: number) =>
    digits === 0 ? grouped(value) : value.toFixed(digits);
  return min === max
    ? show(median)
    : `${show(median)} (${show(min)} to ${show(max)})`;
}

function grouped(value: number): string {
  return Math.round(value).toLocaleString('en');
}

/** A table in Markdown. */
export function table(head: string[], rows: string[][]): string {
  const line = (cells: string[]) => `| ${cells.join(' | ')} |`;
  const rule = head.map(() => '---');
  return [line(head), line(rule), ...rows.map(line), ''].join('\n');
}
