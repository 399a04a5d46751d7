import { BEFORE, type Results } from './results.js';
import type { CrowdRound, FinishRound } from './runs.js';
import { ratioOf, type Spread, spreadOf } from './statistics.js';

/** A goal has either `atLeast` or `atMost`. */
interface Goal {
  what: string;
  atLeast?: number;
  atMost?: number;
  unit: '×' | 'MB' | 'ms' | 's';
  /** Undefined if the run did not measure it. */
  measured: (results: Results) => Spread | undefined;
}

export interface Verdict {
  what: string;
  /** For example `at least 3 ×`. */
  goal: string;
  unit: Goal['unit'];
  measured: Spread;
  isMet: boolean;
}

type Figure = 'rate' | 'p50';

/** A contender of a scenario. */
type Contender = [scenario: string, name: string];

/** The ratio of one contender's figure to that of another. */
function ratio(
  contender: Contender,
  other: Contender,
  figure: Figure = 'rate',
) {
  return ({ scenarios }: Results): Spread | undefined => {
    const values = ([scenario, name]: Contender) =>
      scenarios
        .find((result) => result.name === scenario)
        ?.rounds[name]?.map((measurement) => measurement[figure]);
    const of = values(contender);
    const per = values(other);
    return of && per && ratioOf(of, per);
  };
}

/** The requests a second of a contender, as a multiple of those of a peer. */
function speed(
  what: string,
  [scenario, name]: Contender,
  { peer, atLeast }: { peer: string; atLeast: number },
): Goal {
  return {
    what: `${what}, per \`${peer}\``,
    atLeast,
    unit: '×',
    measured: ratio([scenario, name], [scenario, peer]),
  };
}

const HOT_READ = 'read, cache `exclusive`, hot';
const EXCLUSIVE: Contender = ['read', 'exclusive'];
const APPEND: Contender = ['append', 'validated'];

const RATES: Goal[] = [
  speed(HOT_READ, EXCLUSIVE, { peer: 'bare', atLeast: 5 }),
  speed(HOT_READ, EXCLUSIVE, { peer: 'flask', atLeast: 12 }),
  speed(HOT_READ, EXCLUSIVE, { peer: 'limit', atLeast: 0.5 }),
  speed('read, cache `validated`, hot', ['read', 'validated'], {
    peer: 'bare',
    atLeast: 1.5,
  }),
  speed('read, cache `off`', ['read', 'off'], { peer: 'bare', atLeast: 0.9 }),
  speed('304, cache `exclusive`', ['conditional', 'exclusive'], {
    peer: 'bare',
    atLeast: 4,
  }),
  speed('304, cache `validated`', ['conditional', 'validated'], {
    peer: 'bare',
    atLeast: 1.8,
  }),
  speed('append one message', APPEND, { peer: 'bare', atLeast: 0.88 }),
  {
    what: 'append one message, per the version before',
    atLeast: 0.95,
    unit: '×',
    measured: ratio(APPEND, ['append', `${BEFORE}validated`]),
  },
  speed('append one message, session of 20', APPEND, {
    peer: 'flask',
    atLeast: 3,
  }),
  {
    what: 'append to a session of 10,000, per append to one of 20',
    atLeast: 0.9,
    unit: '×',
    measured: ratio(
      ['append-long', 'validated, 10,000'],
      ['append-long', 'validated, 20'],
    ),
  },
  speed('list, 20 of 1,000 sessions', ['list', 'validated'], {
    peer: 'bare',
    atLeast: 0.8,
  }),
  speed('history page of 50', ['page', 'validated'], {
    peer: 'bare',
    atLeast: 0.8,
  }),
];

const BRANCHES: Goal[] = ['off', 'validated'].map((cache) => ({
  what: `page of a comb of 10,000 forks, per page of a line, cache \`${cache}\``,
  atMost: 1.5,
  unit: '×',
  measured: ratio(
    ['branches', `comb, ${cache}`],
    ['branches', `line, ${cache}`],
    'p50',
  ),
}));

function forkGoals({ forks = [] }: Results): Goal[] {
  return forks.flatMap(({ store, sizes, rounds }): Goal[] => [
    {
      what: `fork of ${sizes.long} messages, per append of 100, ${store}`,
      atMost: 40,
      unit: '×',
      measured: () => spreadOf(rounds.map(({ fork, append }) => fork / append)),
    },
    {
      what: `appends of 32 clients during a fork of ${sizes.veryLong} messages, per the same without a fork, ${store}`,
      atMost: 1.5,
      unit: '×',
      measured: () =>
        spreadOf(rounds.map(({ beside, alone }) => beside / alone)),
    },
  ]);
}

function crowdGoal(
  figure: keyof CrowdRound,
  what: string,
  { atMost, unit }: Pick<Goal, 'atMost' | 'unit'>,
): Goal {
  return {
    what: `runs at once, ${what}`,
    atMost,
    unit,
    measured: ({ runs }) =>
      runs && spreadOf(runs.crowd.map((round) => round[figure])),
  };
}

function finishGoal(figure: keyof FinishRound, outputs: string): Goal {
  return {
    what: `finish of an answer of 1 MiB, outputs of ${outputs}`,
    atMost: 100,
    unit: 'ms',
    measured: ({ runs }) =>
      runs && spreadOf(runs.finishes.map((round) => round[figure])),
  };
}

const RUNS: Goal[] = [
  crowdGoal('p50', 'an output, median', { atMost: 20, unit: 'ms' }),
  crowdGoal('p99', 'an output, 99 of 100', { atMost: 150, unit: 'ms' }),
  crowdGoal('rss', 'memory, the most', { atMost: 250, unit: 'MB' }),
  speed('output of 20 words', ['outputs', 'output'], {
    peer: 'append',
    atLeast: 1.2,
  }),
  finishGoal('large', '64 KiB'),
  finishGoal('small', '20 words'),
];

const GROWTH_LIMIT = 1.2;

/** The ratio of the median latency on the large side to that on the small side. */
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

/** The goals that the run measured, and whether they are met. */
export function verdictsOf(results: Results): Verdict[] {
  const goals = [
    ...RATES,
    ...growthGoals(results),
    ...BRANCHES,
    ...forkGoals(results),
    ...RUNS,
    ...PROCESS,
  ];
  return goals.flatMap((goal) => {
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
