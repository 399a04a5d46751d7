import type { IncomingMessage } from 'node:http';
import { PassThrough } from 'node:stream';
import { json } from 'node:stream/consumers';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { keepBytes, takeBytes } from './body-bytes.js';

/** A request whose body a test writes. */
function requestOf(): PassThrough & IncomingMessage {
  return new PassThrough() as unknown as PassThrough & IncomingMessage;
}

it('keeps what a parser reads, and no more', async () => {
  const request = requestOf();
  keepBytes(request);
  const read: string[] = [];
  const parse = (chunk: Buffer) => read.push(chunk.toString());
  request.on('data', parse);
  request.write('{"n":');
  request.write('1.0}');
  expect(read).toEqual(['{"n":', '1.0}']);
  // Parsers do so at the end, and with a body that is too large.
  request.off('data', parse);
  request.resume();
  request.write('x'.repeat(1_000));
  await nextTurn();
  expect(request.readableLength).toBe(0);
  expect(request.listenerCount('data')).toBe(0);
  expect(takeBytes(request)?.toString()).toBe('{"n":1.0}');
});

it('does not make a body flow', () => {
  const request = requestOf();
  keepBytes(request);
  expect(request.readableFlowing).toBeNull();
});

it('keeps what is piped', () => {
  const request = requestOf();
  keepBytes(request);
  const body = request.pipe(new PassThrough());
  request.write('{}');
  expect(body.read()).toEqual(Buffer.from('{}'));
  expect(takeBytes(request)?.toString()).toBe('{}');
});

it('keeps what is read as text', () => {
  const request = requestOf();
  keepBytes(request);
  request.setEncoding('utf8').on('data', () => undefined);
  request.write('"é"');
  expect(takeBytes(request)?.toString()).toBe('"é"');
});

it('keeps nothing of a body that is read in another way', async () => {
  const request = requestOf();
  keepBytes(request);
  request.end('{"n":1.0}');
  expect(await json(request)).toEqual({ n: 1 });
  expect(takeBytes(request)).toBeUndefined();
});

it('keeps nothing of a body that is larger than 16 MiB', () => {
  const request = requestOf();
  keepBytes(request);
  request.on('data', () => undefined);
  for (let mib = 0; mib < 17; mib++) request.write(Buffer.alloc(2 ** 20));
  expect(takeBytes(request)).toBeUndefined();
  expect(request.listenerCount('data')).toBe(1);
});
