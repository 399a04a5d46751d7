import type { ForkResult } from './forks.js';
import type { Seeding } from './growth.js';
import type { Machine } from './machine.js';
import type { MemoryResult } from './process-figures.js';
import type { RunResult } from './runs.js';
import type { Pace, ScenarioResult } from './scenario.js';

/** Begins the names of contenders that run the version before. */
export const BEFORE = 'before ';

/** The measurements of a run. */
export interface Results {
  machine: Machine;
  mariadb: { version: string; settings: string[] };
  pace: Pace;
  scenarios: ScenarioResult[];
  /** For the databases of the growth by sessions. */
  seedings: Seeding[];
  forks?: ForkResult[];
  runs?: RunResult;
  memory?: MemoryResult;
  /** Seconds. */
  starts?: number[];
}

/** The text of docs/benchmarks.json: a line for each scenario, so that a diff shows which have changed. */
export function serialize({ scenarios, ...others }: Results): string {
  const lines = scenarios.map((scenario) => `    ${JSON.stringify(scenario)}`);
  const entries = Object.entries(others)
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => `  "${key}": ${JSON.stringify(value)}`);
  entries.push(`  "scenarios": [\n${lines.join(',\n')}\n  ]`);
  return `{\n${entries.join(',\n')}\n}\n`;
}
