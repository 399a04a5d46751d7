import type { ExecutionContext } from '@nestjs/common';
import { expect, it } from 'vitest';
import { jsonOf } from '../json/exact-json.js';
import { JsonBodyGuard } from './json-body.guard.js';

/** Passes the guard with a body, and the text that a platform's parser has read. */
function pass(body: unknown, text: string): boolean {
  const rawBody = Buffer.from(text);
  const headers = {
    'content-type': 'application/json',
    'content-length': String(rawBody.length),
  };
  const request = { method: 'POST', headers, body, rawBody };
  const http = { getRequest: () => request };
  const getHandler = () => pass;
  const context = { switchToHttp: () => http, getHandler } as unknown;
  return new JsonBodyGuard().canActivate(context as ExecutionContext);
}

it('remembers the text of a body', () => {
  const metadata = { n: 1 };
  expect(pass({ metadata }, '{"metadata":{"n":1.0}}')).toBe(true);
  expect(jsonOf(metadata)).toBe('{"n":1.0}');
});

it.each([
  [
    'trimmed',
    { metadata: { n: 1, s: 'x' } },
    '{"metadata":{"n":1.0,"s":" x"}}',
  ],
  ['renamed', { items: [{}] }, '{"messages":[{"metadata":{"n":1.0}}]}'],
  ['removed', { messages: [] }, '{"messages":[{"metadata":{"n":1.0}}]}'],
])(
  'does not use the text of a body that a middleware has %s',
  (_, body, text) => {
    expect(pass(body, text)).toBe(true);
    expect(jsonOf(body)).toBe(JSON.stringify(body));
  },
);

it('refuses what a parser has rounded if a middleware has changed the body', () => {
  const text = '{"metadata":{"n":1234567890123456789,"s":" x"}}';
  const body = JSON.parse(text.replace(' x', 'x')) as unknown;
  expect(() => pass(body, text)).toThrow('integers beyond 2^53');
});
