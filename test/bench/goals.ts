import type { Results } from './results.js';
import { ratioOf, type Spread, spreadOf } from './statistics.js';

interface Goal {
  what: string;
  /** One of the two. */
  atLeast?: number;
  atMost?: number;
  unit: '×' | 'MB' | 's';
  /** Undefined where it was not measured. */
  measured: (results: Results) => Spread | undefined;
}

export interface Verdict {
  what: string;
  /** `at least 3 ×` */
  goal: string;
  unit: Goal['unit'];
  measured: Spread;
  isMet: boolean;
}

type Figure = 'rate' | 'p50';

/** How often one contender's figure has that of another, of the same scenario unless given. */
function ratio(
  [scenario, name]: [string, string],
  [otherScenario, otherName]: [string, string],
  figure: Figure = 'rate',
) {
  return ({ scenarios }: Results): Spread | undefined => {
    const values = (ofScenario: string, ofName: string) =>
      scenarios
        .find((result) => result.name === ofScenario)
        ?.rounds[ofName]?.map((measurement) => measurement[figure]);
    const of = values(scenario, name);
    const per = values(otherScenario, otherName);
    return of && per && ratioOf(of, per);
  };
}

/** Requests a second of `name`, per those of `peer`. */
function speed(
  what: string,
  scenario: string,
  name: string,
  peer: string,
  atLeast: number,
): Goal {
  return {
    what: `${what}, per \`${peer}\``,
    atLeast,
    unit: '×',
    measured: ratio([scenario, name], [scenario, peer]),
  };
}

const RATES: Goal[] = [
  speed('read, cache `exclusive`, hot', 'read', 'exclusive', 'bare', 3),
  speed('read, cache `exclusive`, hot', 'read', 'exclusive', 'flask', 12),
  speed('read, cache `exclusive`, hot', 'read', 'exclusive', 'limit', 0.4),
  speed('read, cache `validated`, hot', 'read', 'validated', 'bare', 1.5),
  speed('read, cache `off`', 'read', 'off', 'bare', 0.9),
  speed('304, cache `exclusive`', 'conditional', 'exclusive', 'bare', 4),
  speed('304, cache `validated`', 'conditional', 'validated', 'bare', 1.8),
  speed('append one message', 'append', 'validated', 'bare', 0.9),
  speed('append one message, session of 20', 'append', 'validated', 'flask', 3),
  {
    what: 'append to a session of 10,000, per append to one of 20',
    atLeast: 0.9,
    unit: '×',
    measured: ratio(
      ['append-long', 'validated, 10,000'],
      ['append-long', 'validated, 20'],
    ),
  },
  speed('list, 20 of 1,000 sessions', 'list', 'validated', 'bare', 0.8),
  speed('history page of 50', 'page', 'validated', 'bare', 0.8),
];

const GROWTH_LIMIT = 1.2;

/** The median latency on the large side, per that on the small one. */
function growthGoals({ scenarios }: Results): Goal[] {
  return scenarios
    .filter(({ name }) => /^(sessions|messages)-/.test(name))
    .map(({ name, title, rounds }) => {
      const [small, large] = Object.keys(rounds) as [string, string];
      return {
        what: `growth: ${title.toLowerCase()}`,
        atMost: GROWTH_LIMIT,
        unit: '×',
        measured: ratio([name, large], [name, small], 'p50'),
      };
    });
}

const alone = (value: number | undefined) =>
  value === undefined ? undefined : spreadOf([value]);

const PROCESS: Goal[] = [
  {
    what: 'memory at the end of the mixed load, per that after a tenth of it',
    atMost: 1.2,
    unit: '×',
    measured: ({ memory }) => alone(memory && memory.late / memory.early),
  },
  {
    what: 'memory, the most at any time',
    atMost: 200,
    unit: 'MB',
    measured: ({ memory }) => alone(memory && Math.max(...memory.samples)),
  },
  {
    what: 'start to ready on the embedded store',
    atMost: 1.5,
    unit: 's',
    measured: ({ starts }) => starts && spreadOf(starts),
  },
];

/** What was measured, beside what it should be. */
export function verdictsOf(results: Results): Verdict[] {
  return [...RATES, ...growthGoals(results), ...PROCESS].flatMap((goal) => {
    const measured = goal.measured(results);
    if (!measured) return [];
    const { what, unit, atLeast, atMost } = goal;
    const isMet =
      atLeast === undefined
        ? measured.median <= atMost!
        : measured.median >= atLeast;
    const text =
      atLeast === undefined
        ? `at most ${atMost} ${unit}`
        : `at least ${atLeast} ${unit}`;
    return [{ what, goal: text, unit, measured, isMet }];
  });
}
