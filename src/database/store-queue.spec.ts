import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { Gate } from './store-queue.js';

const DEADLINE_MS = 1_000;

/** A gate for one, and what ends the work that holds it. */
function occupied(mostWaiting = 10) {
  const gate = new Gate<string>(1, mostWaiting, DEADLINE_MS);
  let end!: () => void;
  const first = gate.pass(
    () => new Promise<void>((resolve) => (end = resolve)),
  );
  return { gate, first, end };
}

it('lets those who wait begin one after the other, in the order in which they came', async () => {
  const { gate, first, end } = occupied();
  const begun: number[] = [];
  const others = [1, 2, 3].map((n) =>
    gate.pass(async () => {
      begun.push(n);
      await sleep(1);
      expect(begun.at(-1)).toBe(n);
    }),
  );
  await sleep(1);
  expect(begun).toEqual([]);
  end();
  await Promise.all([first, ...others]);
  expect(begun).toEqual([1, 2, 3]);
});

it('goes on after work that failed', async () => {
  const { gate, first, end } = occupied();
  const failing = gate.pass(() => Promise.reject(new Error('no')));
  const next = gate.pass(async () => 'done');
  end();
  await first;
  await expect(failing).rejects.toThrow('no');
  expect(await next).toBe('done');
  expect(await gate.pass(async () => 'again')).toBe('again');
});

it('sheds what comes on top of its queue, and what has waited for half of its time', async () => {
  const { gate, first, end } = occupied(1);
  const late = gate.pass(async () => 'begun');
  await expect(gate.pass(async () => 'begun')).rejects.toThrow('Too many');
  await sleep(DEADLINE_MS / 2 + 10);
  end();
  await expect(late).rejects.toThrow('Too many');
  await first;
});

it('has an heir where the next in line inherits, once', async () => {
  const { gate, first, end } = occupied();
  expect(gate.heir).toBeUndefined();
  const placeOf = () =>
    gate.pass(async ({ place }) => place, { inherits: true });
  const places = [placeOf(), gate.pass(async ({ place }) => place), placeOf()];
  gate.heir!.place = 'here';
  expect(gate.heir).toBeUndefined();
  end();
  await first;
  expect(await Promise.all(places)).toEqual(['here', undefined, undefined]);
});

it('has no heir that is to be shed', async () => {
  const { gate, first, end } = occupied();
  const late = gate.pass(async () => 'begun', { inherits: true });
  expect(gate.heir).toBeDefined();
  await sleep(DEADLINE_MS / 2 + 10);
  expect(gate.heir).toBeUndefined();
  end();
  await expect(late).rejects.toThrow('Too many');
  await first;
});

it('sheds nobody who has a place', async () => {
  const { gate, first, end } = occupied();
  const late = gate.pass(async ({ place }) => place, { inherits: true });
  gate.heir!.place = 'here';
  await sleep(DEADLINE_MS / 2 + 10);
  end();
  expect(await late).toBe('here');
  await first;
});
