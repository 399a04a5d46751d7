import type { MemoryResult } from './process-figures.js';
import { inBrackets, table } from './report.js';
import { BEFORE, type Results } from './results.js';
import type { Round } from './scenario.js';
import { ratioOf } from './statistics.js';

/** The figures of the version before that are not in scenarios. */
export interface EarlierFigures {
  memory?: MemoryResult;
  /** Seconds. */
  starts?: number[];
}

/** A table of the figures of this version, divided by those of the version before. */
export function comparison(
  { scenarios, memory, starts }: Results,
  earlier: EarlierFigures,
): string {
  const rows = scenarios.flatMap(({ name, rounds }) =>
    Object.entries(rounds).flatMap(([contender, now]) => {
      const before = rounds[BEFORE + contender];
      if (!before) return [];
      const ratio = (figure: Figure) => ratioText(figure, now, before);
      return [
        [
          `${name}, \`${contender}\``,
          ratio('rate'),
          ratio('p50'),
          ratio('p99'),
          ratio('serverMs'),
          ratio('databaseMs'),
        ],
      ];
    }),
  );
  const lines = [
    table(
      [
        'this version per the version before',
        'requests/s',
        'p50',
        'p99',
        'CPU',
        'of the database',
      ],
      rows,
    ),
  ];
  if (memory && earlier.memory) {
    const ratio = memory.late / earlier.memory.late;
    lines.push(
      `Memory at the end of the mixed load: ${ratio.toFixed(2)} (${memory.late.toFixed(0)} MB, before ${earlier.memory.late.toFixed(0)} MB)`,
    );
  }
  if (starts && earlier.starts) {
    lines.push(
      `Start to ready: ${inBrackets(ratioOf(starts, earlier.starts), 2)}`,
    );
  }
  return lines.join('\n');
}

type Figure = 'rate' | 'p50' | 'p99' | 'serverMs' | 'databaseMs';

/** The ratio of each round. A dash if a figure is 0, which the clock's ticks may round a small one to. */
function ratioText(figure: Figure, now: Round[], before: Round[]): string {
  const values = (rounds: Round[]) => rounds.map((round) => round[figure]);
  if ([...values(now), ...values(before)].includes(0)) return '-';
  return inBrackets(ratioOf(values(now), values(before)), 2);
}
