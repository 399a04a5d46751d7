/** A moment as the stores write it, in UTC. */
export function timeText(time: Date): string {
  return time.toISOString().replace('T', ' ').slice(0, -1);
}
