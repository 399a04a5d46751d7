import type { BranchWorkload } from './branch-workload.js';
import type { RunVerdict } from './run-audit.js';
import type { RunWorkload } from './run-workload.js';
import type { Verdict, Workload } from './workload.js';

/** Set CI for a short run. `npm run test:faults` without it is the full run. */
export const IS_SHORT = Boolean(process.env.CI);

export const NOTHING_WRONG = {
  lost: 0,
  doubled: 0,
  halves: 0,
  gaps: 0,
} satisfies Partial<Verdict>;

/** A number of rounds or seconds: of a full run, or of a short one. */
export function amount(full: number, short: number): number {
  return IS_SHORT ? short : full;
}

/** Prints the results of a run in one line. */
export function report(
  run: string,
  faults: number,
  workload: Workload | BranchWorkload,
  verdict: Verdict,
): void {
  const { acks, lost, doubled, halves, gaps } = verdict;
  const longest = Math.round(workload.longestResponseMs);
  const stall = Math.round(workload.longestStallMs);
  process.stdout.write(
    `${run}: ${acks} acks, ${faults} faults, ${lost} lost, ${doubled} doubled, ${halves} half-written, ${gaps} gaps, longest response ${longest} ms, longest stall ${stall} ms (${responsesOf(workload.responses)})\n`,
  );
}

/** Like `report`, of runs. */
export function reportRuns(
  run: string,
  faults: number,
  { responses }: RunWorkload,
  { runs, acks, ends, violations, ...wrong }: RunVerdict,
): void {
  const counts = [
    ...Object.entries(ends),
    ...Object.entries(wrong),
    ['violations', violations.length],
  ].map(([name, count]) => `${count} ${name}`);
  process.stdout.write(
    `${run}: ${runs} runs, ${acks} outputs, ${faults} faults, ${counts.join(', ')} (${responsesOf(responses)})\n`,
  );
}

function responsesOf(responses: Map<number, number>): string {
  return [...responses]
    .sort(([a], [b]) => a - b)
    .map(([status, count]) => `${count} x ${status || 'none'}`)
    .join(', ');
}
