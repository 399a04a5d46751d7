import { Logger } from '@nestjs/common';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it, onTestFinished, vi } from 'vitest';
import { StoreQueue } from './store-queue.js';

/** A queue that runs one work at a time, and what ends the work that it runs. */
function occupied({ maxWaiting = 10, deadlineMs = 60_000 } = {}) {
  const queue = new StoreQueue({ concurrency: 1, maxWaiting, deadlineMs });
  let end!: () => void;
  const first = queue.run(
    'write',
    () => new Promise<void>((resolve) => (end = resolve)),
  );
  return { queue, first, end };
}

it('starts what waits one by one, in the order of arrival', async () => {
  const { queue, first, end } = occupied();
  const started: number[] = [];
  const others = [1, 2, 3].map((n) =>
    queue.run('write', async () => {
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
  const failing = queue.run('write', () => Promise.reject(new Error('no')));
  const next = queue.run('write', async () => 'done');
  end();
  await first;
  await expect(failing).rejects.toThrow('no');
  expect(await next).toBe('done');
  expect(await queue.run('write', async () => 'again')).toBe('again');
});

it('sheds work if the queue is full', async () => {
  const { queue, first, end } = occupied({ maxWaiting: 1 });
  const waiting = queue.run('write', async () => 'started');
  await expect(queue.run('write', async () => 'started')).rejects.toThrow(
    'Too many',
  );
  end();
  await first;
  expect(await waiting).toBe('started');
});

it('says what waits if it sheds', async () => {
  const warn = vi.spyOn(Logger.prototype, 'warn').mockReturnValue();
  onTestFinished(() => warn.mockRestore());
  const queue = new StoreQueue({
    concurrency: 1,
    maxWaiting: 0,
    deadlineMs: 60_000,
    waiting: 'large bodies are waiting for their turn',
  });
  await expect(queue.run('write', async () => 'started')).rejects.toMatchObject(
    {
      code: 'store_overloaded',
      info: {
        text: 'Too many large bodies are waiting for their turn: this one was not begun',
      },
    },
  );
  expect(warn).toHaveBeenCalledWith(
    'Too many large bodies are waiting for their turn: 1 were shed',
  );
});

it('sheds work that waited for half of its deadline', async () => {
  const deadlineMs = 1_000;
  const { queue, first, end } = occupied({ deadlineMs });
  const late = queue.run('write', async () => 'started');
  await sleep(deadlineMs / 2 + 10);
  end();
  await expect(late).rejects.toThrow('Too many');
  await first;
});

it('keeps places for reads while all writes wait', async () => {
  const queue = new StoreQueue({
    concurrency: 4,
    writeShare: 0.75,
    maxWaiting: 10,
    deadlineMs: 60_000,
  });
  const ends: (() => void)[] = [];
  const started: string[] = [];
  const run = (kind: 'read' | 'write', name: string) =>
    queue.run(kind, () => {
      started.push(name);
      return new Promise<void>((end) => ends.push(end));
    });
  const all = ['a', 'b', 'c', 'd', 'e'].map((name) => run('write', name));
  all.push(run('read', 'one'), run('read', 'two'));
  await vi.waitFor(() => expect(ends).toHaveLength(4), 60_000);
  expect(started).toEqual(['a', 'b', 'c', 'one']);
  // The write waits for longer than the read, which takes the next place.
  ends[3]!();
  await vi.waitFor(() => expect(started.at(-1)).toBe('two'), 60_000);
  ends[0]!();
  await vi.waitFor(() => expect(started.at(-1)).toBe('d'), 60_000);
  for (const end of ends) end();
  await vi.waitFor(() => expect(started.at(-1)).toBe('e'), 60_000);
  for (const end of ends) end();
  await Promise.all(all);
});

it('runs less at once for a time', async () => {
  vi.useFakeTimers();
  const queue = new StoreQueue({
    concurrency: 4,
    maxWaiting: 10,
    deadlineMs: 600_000,
  });
  queue.lowerTo(2, 60_000);
  queue.lowerTo(3, 60_000); // More than it runs already.
  const ends: (() => void)[] = [];
  const all = Array.from({ length: 5 }, () =>
    queue.run('read', () => new Promise<void>((end) => ends.push(end))),
  );
  await vi.advanceTimersByTimeAsync(59_999);
  expect(ends).toHaveLength(2);
  await vi.advanceTimersByTimeAsync(1);
  expect(ends).toHaveLength(4);
  vi.useRealTimers();
  for (const end of ends) end();
  await vi.waitFor(() => expect(ends).toHaveLength(5), 60_000);
  ends[4]!();
  await Promise.all(all);
});

it.each([
  [1, 1],
  [2, 1],
  [3, 2],
  [4, 3],
  [20, 15],
])('of %i places writes take %i', async (concurrency, writes) => {
  const queue = new StoreQueue({
    concurrency,
    writeShare: 0.75,
    maxWaiting: 100,
    deadlineMs: 60_000,
  });
  let end!: () => void;
  const isOver = new Promise<void>((resolve) => (end = resolve));
  let started = 0;
  const all = Array.from({ length: 30 }, () =>
    queue.run('write', () => {
      started++;
      return isOver;
    }),
  );
  expect(started).toBe(writes);
  end();
  await Promise.all(all);
});
