import { readFile } from 'node:fs/promises';

/** The kernel's clock tick in /proc is always 1/100 s. */
const TICK_MS = 10;

/** The processor time in milliseconds that a process and its children have used. */
export async function processorTime(pid: number): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
  // The name in parentheses is the second field. utime is the 14th, stime the 15th.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const own = (Number(fields[11]) + Number(fields[12])) * TICK_MS;
  const children = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8');
  const times = await Promise.all(
    children.split(' ').filter(Boolean).map(Number).map(processorTime),
  );
  return times.reduce((sum, time) => sum + time, own);
}
