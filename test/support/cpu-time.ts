/**
 * Milliseconds of CPU that this process spends on a piece of work. Other
 * processes make it take longer, but they do not make it cost more.
 */
export async function cpuTimeOf(work: () => unknown): Promise<number> {
  const before = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}
