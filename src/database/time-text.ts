/** A moment as the stores write it: `2026-11-23 01:02:03.456`, in UTC. */
export function timeText(time: Date): string {
  return time.toISOString().replace('T', ' ').slice(0, -1);
}
