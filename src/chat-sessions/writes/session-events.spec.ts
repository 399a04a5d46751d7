import { Logger } from '@nestjs/common';
import { expect, it, onTestFinished, vi } from 'vitest';
import { type SessionEvent, SessionEvents } from './session-events.js';

const EVENT = { type: 'updated', session: { version: 2 } } as SessionEvent;

it('tells every listener, also after one that fails', async () => {
  const error = vi
    .spyOn(Logger.prototype, 'error')
    .mockImplementation(() => undefined);
  onTestFinished(() => error.mockRestore());
  const events = new SessionEvents();
  const heard: SessionEvent[] = [];
  events.subscribe(() => {
    throw new Error('no');
  });
  events.subscribe(() => Promise.reject(new Error('later')));
  events.subscribe((event) => void heard.push(event));
  events.publish(EVENT);
  expect(heard).toEqual([EVENT]);
  await vi.waitFor(() => expect(error).toHaveBeenCalledTimes(2), 60_000);
});

it('tells nobody who has unsubscribed', () => {
  const events = new SessionEvents();
  const listener = vi.fn<() => void>();
  const unsubscribe = events.subscribe(listener);
  unsubscribe();
  events.publish(EVENT);
  expect(listener).not.toHaveBeenCalled();
});
