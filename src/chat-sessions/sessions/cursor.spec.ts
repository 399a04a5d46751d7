import { describe, expect, it } from 'vitest';
import { decodeCursor, encodeCursor } from './cursor.js';

const ID = '019ae1c4-7d5e-7c3a-9f10-3b1f6f0c2a55';

function encoded(text: string): string {
  return Buffer.from(text).toString('base64url');
}

describe('encodeCursor and decodeCursor', () => {
  it.each([
    '1970-01-01T00:00:00.000Z',
    '2026-11-23T01:02:03.456Z',
    '9999-12-31T00:00:00.000Z',
  ])('keep a position at %s', (time) => {
    const position = { lastActivityAt: new Date(time), id: ID };
    const cursor = encodeCursor(position);
    expect(cursor).toMatch(/^[A-Za-z0-9_-]+$/);
    expect(decodeCursor(cursor)).toEqual(position);
  });
});

describe('decodeCursor', () => {
  it('takes what encodeCursor makes', () => {
    expect(decodeCursor(encoded(`1795392123456.${ID}`))).toEqual({
      lastActivityAt: new Date(1_795_392_123_456),
      id: ID,
    });
  });

  it.each([
    ['nothing', ''],
    ['text that is not base64', '?!'],
    ['an id alone', encoded(ID)],
    ['a time alone', encoded('1795392123456.')],
    ['no time', encoded(`.${ID}`)],
    ['a negative time', encoded(`-1.${ID}`)],
    ['a fraction', encoded(`1.5.${ID}`)],
    ['a leading zero', encoded(`01.${ID}`)],
    ['a plus sign', encoded(`+1.${ID}`)],
    ['an exponent', encoded(`1e3.${ID}`)],
    ['a time after the year 9999', encoded(`253402300800000.${ID}`)],
    ['a time of 16 digits', encoded(`1795392123456000.${ID}`)],
    ['no UUID', encoded('1.abc')],
    ['a UUID and more', encoded(`1.${ID}0`)],
    ['a line feed behind', encoded(`1.${ID}\n`)],
    ['white space in front', encoded(` 1.${ID}`)],
    ['padding', `${encoded(`1.${ID}`)}=`],
    ['white space around', ` ${encoded(`1.${ID}`)} `],
    ['other bits behind the last character', `${encoded(`1.${ID}`)}A`],
    ['NUL', encoded(`1.${ID}\0`)],
    ['bytes that are not UTF-8', Buffer.from([255, 46]).toString('base64url')],
  ])('refuses %s', (_, cursor) => {
    expect(decodeCursor(cursor)).toBeUndefined();
  });
});
