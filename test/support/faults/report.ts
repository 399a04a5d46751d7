import type { Verdict, Workload } from './workload.js';

/** The short form is for CI; a full run is `npm run test:faults` without CI in the environment. */
export const IS_SHORT = Boolean(process.env.CI);

export const NOTHING_WRONG = {
  lost: 0,
  doubled: 0,
  halves: 0,
  gaps: 0,
} satisfies Partial<Verdict>;

/** Of a number of rounds or requests, what the short form does. */
export function amount(full: number, short: number): number {
  return IS_SHORT ? short : full;
}

/** Prints one line a run, the same for all of them. */
export function report(
  run: string,
  faults: number,
  workload: Workload,
  verdict: Verdict,
): void {
  const { acks, lost, doubled, halves, gaps } = verdict;
  const answers = [...workload.answers]
    .sort(([a], [b]) => a - b)
    .map(([status, count]) => `${count} x ${status || 'none'}`)
    .join(', ');
  const longest = Math.round(workload.longestAnswer);
  const stall = Math.round(workload.longestStall);
  process.stdout.write(
    `${run}: ${acks} acks, ${faults} faults, ${lost} lost, ${doubled} doubled, ${halves} half-written, ${gaps} gaps, longest answer ${longest} ms, longest stall ${stall} ms (${answers})\n`,
  );
}
