import { describe, expect, it } from 'vitest';
import { parseEnvFile } from './env-file.js';

const LINES = 'AUTH_MODE=jwt\nPORT=3001\n';
const EXPECTED = { AUTH_MODE: 'jwt', PORT: '3001' };

/** `buffer` with the bytes of each UTF-16 unit swapped. */
function bigEndian(text: string): Buffer {
  return Buffer.from(text, 'utf16le').swap16();
}

describe('parseEnvFile', () => {
  it.each([
    ['UTF-8', Buffer.from(LINES)],
    ['UTF-8 with a byte order mark', Buffer.from(`\uFEFF${LINES}`)],
    ['UTF-16 of Windows', Buffer.from(`\uFEFF${LINES}`, 'utf16le')],
    ['UTF-16, big endian', bigEndian(`\uFEFF${LINES}`)],
    ['CRLF', Buffer.from(LINES.replaceAll('\n', '\r\n'))],
    ['`export`', Buffer.from(LINES.replaceAll(/^/gm, 'export ').trimEnd())],
    ['quotes', Buffer.from('AUTH_MODE="jwt"\nPORT=\'3001\'\n')],
    [
      'a value of several lines',
      Buffer.from('AUTH_MODE=jwt\nKEY="\nPORT=1\n"\nPORT=3001\n'),
      { ...EXPECTED, KEY: '\nPORT=1\n' },
    ],
    ['comments', Buffer.from(`# one\n${LINES}# PORT=4\n`)],
  ])('reads %s', (_, bytes, expected: object = EXPECTED) => {
    expect(parseEnvFile(bytes)).toEqual(expected);
  });

  it('refuses a variable that is set twice, by name', () => {
    const bytes = Buffer.from(`${LINES}AUTH_MODE=none\n`);
    expect(() => parseEnvFile(bytes)).toThrow(
      '.env sets AUTH_MODE more than once',
    );
  });

  it.each([
    ['bytes that are no text', Buffer.from([0x41, 0x80])],
    ['UTF-16 without a byte order mark', Buffer.from(LINES, 'utf16le')],
    ['UTF-16, big endian, without one', bigEndian(LINES)],
    ['UTF-32', Buffer.from(`\uFEFF\0${LINES}`, 'utf16le')],
  ])('refuses %s', (_, bytes) => {
    expect(() => parseEnvFile(bytes)).toThrow(
      '.env must be UTF-8, or UTF-16 with a byte order mark',
    );
  });
});
