import type { Seeding } from './growth.js';
import type { Machine } from './machine.js';
import type { MemoryResult } from './process-figures.js';
import type { Pace, ScenarioResult } from './scenario.js';

/** All that a run has found out: docs/benchmarks.json. */
export interface Results {
  machine: Machine;
  mariadb: { version: string; settings: string[] };
  pace: Pace;
  scenarios: ScenarioResult[];
  /** Of the databases of the growth by sessions. */
  seedings: Seeding[];
  memory?: MemoryResult;
  /** Seconds. */
  starts?: number[];
}
