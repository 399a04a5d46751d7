import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import type { Pace } from './scenario.js';
import { FULL, QUICK, type Sizes } from './sizes.js';

export const PARTS = [
  'read',
  'conditional',
  'append',
  'append-long',
  'list',
  'page',
  'connections',
  'growth-sessions',
  'growth-messages',
  'branches',
  'forks',
  'runs',
  'memory',
  'start',
] as const;
export type Part = (typeof PARTS)[number];

/** The parts that `--before` compares. */
const COMPARED: readonly Part[] = [
  'read',
  'conditional',
  'append',
  'list',
  'page',
  'memory',
  'start',
];

export interface Options {
  parts: readonly Part[];
  pace: Pace;
  /** The duration of the mixed load that the memory is measured under. */
  minutes: number;
  sizes: Sizes;
  conversations: string;
  /** The checkout of the version before, which is compared with this one. */
  before: string | undefined;
  /** All parts in full size, of this version only: the run writes docs/. */
  isWhole: boolean;
}

const CONVERSATIONS = 'test/fixtures/conversations.jsonl';

/** Throws if an option is unknown or invalid. */
export function parseOptions(args: string[]): Options {
  const { values } = parseArgs({
    args,
    options: {
      only: { type: 'string' },
      rounds: { type: 'string' },
      seconds: { type: 'string' },
      minutes: { type: 'string' },
      quick: { type: 'boolean', default: false },
      before: { type: 'string' },
      conversations: { type: 'string', default: CONVERSATIONS },
    },
  });
  const { only, quick, conversations } = values;
  const before = values.before && builtCheckout(values.before);
  const number = (name: 'rounds' | 'seconds' | 'minutes', usual: number) => {
    const value = Number(values[name] ?? usual);
    if (value > 0) return value;
    throw new Error(`--${name} must be a number above 0`);
  };
  const pace = {
    rounds: number('rounds', quick ? 1 : 5),
    seconds: number('seconds', quick ? 1 : 5),
    warmUpSeconds: 1,
    firstWarmUp: quick
      ? { requests: 1_000, seconds: 2 }
      : { requests: 10_000, seconds: 20 },
  };
  return {
    parts: only ? parseParts(only) : before ? COMPARED : PARTS,
    pace,
    minutes: number('minutes', quick ? 0.25 : 10),
    sizes: quick ? QUICK : FULL,
    conversations,
    before,
    isWhole: !only && !quick && !before,
  };
}

function parseParts(only: string): Part[] {
  const names = only.split(',');
  const unknown = names.find((name) => !PARTS.includes(name as Part));
  if (unknown !== undefined) {
    throw new Error(`--only must be of ${PARTS.join(', ')}: "${unknown}"`);
  }
  return names as Part[];
}

function builtCheckout(directory: string): string {
  const root = resolve(directory);
  if (existsSync(join(root, 'dist/service/main.js'))) return root;
  throw new Error(`--before needs "npm ci" and "npm run build" in ${root}`);
}
