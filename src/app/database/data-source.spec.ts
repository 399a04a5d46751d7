import { resolve } from 'node:path';
import { expect, it } from 'vitest';
import { describeStore } from './data-source.js';

it.each([
  ['sqlite::memory:', 'SQLite in memory, lost at the end'],
  [
    'sqlite:data/a b.sqlite',
    `SQLite in the file ${resolve('data/a b.sqlite')}`,
  ],
  ['mysql://db/chat', 'mysql://db/chat'],
  ['mysql://chat@db:3307/chat', 'mysql://db:3307/chat'],
  ['mysql://chat:p%40ss%2Fw%3Ard%23%3F@db/chat', 'mysql://db/chat'],
  [
    'mysql://chat:!$&()*+,;=:~@db1,[::1]:3307/chat',
    'mysql://db1,[::1]:3307/chat',
  ],
])('%s is described without account and password', (url, description) => {
  expect(describeStore({ DATABASE_URL: url })).toBe(description);
});
