import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { StoreQueue } from './store-queue.js';

const DEADLINE_MS = 1_000;

/** A queue that runs one work at a time, and what ends the work that it runs. */
function occupied(maxWaiting = 10) {
  const queue = new StoreQueue({
    concurrency: 1,
    maxWaiting,
    deadlineMs: DEADLINE_MS,
  });
  let end!: () => void;
  const first = queue.run(
    () => new Promise<void>((resolve) => (end = resolve)),
  );
  return { queue, first, end };
}

it('starts what waits one by one, in the order of arrival', async () => {
  const { queue, first, end } = occupied();
  const started: number[] = [];
  const others = [1, 2, 3].map((n) =>
    queue.run(async () => {
      started.push(n);
      await sleep(1);
      expect(started.at(-1)).toBe(n);
    }),
  );
  await sleep(1);
  expect(started).toEqual([]);
  end();
  await Promise.all([first, ...others]);
  expect(started).toEqual([1, 2, 3]);
});

it('goes on after work that failed', async () => {
  const { queue, first, end } = occupied();
  const failing = queue.run(() => Promise.reject(new Error('no')));
  const next = queue.run(async () => 'done');
  end();
  await first;
  await expect(failing).rejects.toThrow('no');
  expect(await next).toBe('done');
  expect(await queue.run(async () => 'again')).toBe('again');
});

it('sheds work if the queue is full, or if it waited for half of its deadline', async () => {
  const { queue, first, end } = occupied(1);
  const late = queue.run(async () => 'started');
  await expect(queue.run(async () => 'started')).rejects.toThrow('Too many');
  await sleep(DEADLINE_MS / 2 + 10);
  end();
  await expect(late).rejects.toThrow('Too many');
  await first;
});
