import { parseArgs } from 'node:util';
import { FULL, QUICK, type Sizes } from './sizes.js';
import type { Pace } from './scenario.js';

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
  'memory',
  'start',
] as const;
export type Part = (typeof PARTS)[number];

export interface Options {
  parts: readonly Part[];
  pace: Pace;
  /** Of mixed load, for the memory. */
  minutes: number;
  sizes: Sizes;
  conversations: string;
  /** Nothing was left out or made small: fit for docs/. */
  isWhole: boolean;
}

const CONVERSATIONS = 'test/fixtures/conversations.jsonl';

/** Throws where an option is unknown or makes no sense. */
export function parseOptions(args: string[]): Options {
  const { values } = parseArgs({
    args,
    options: {
      only: { type: 'string' },
      rounds: { type: 'string' },
      seconds: { type: 'string' },
      minutes: { type: 'string' },
      quick: { type: 'boolean', default: false },
      conversations: { type: 'string', default: CONVERSATIONS },
    },
  });
  const { only, quick, conversations } = values;
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
    parts: only ? parseParts(only) : PARTS,
    pace,
    minutes: number('minutes', quick ? 0.25 : 10),
    sizes: quick ? QUICK : FULL,
    conversations,
    isWhole: !only && !quick,
  };
}

function parseParts(only: string): Part[] {
  const names = only.split(',');
  const unknown = names.find((name) => !PARTS.includes(name as Part));
  if (unknown !== undefined) {
    throw new Error(`--only knows no "${unknown}", but ${PARTS.join(', ')}`);
  }
  return names as Part[];
}
