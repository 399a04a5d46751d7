import { parseEnv } from 'node:util';
import { InvalidConfigError } from './invalid-config.error.js';

/** An assignment at the start of a line, as `parseEnv` takes it. */
const ASSIGNMENT = /^[ \t]*(?:export[ \t]+)?([A-Za-z_]\w*)[ \t]*=/gm;
const WRONG_ENCODING = '.env must be UTF-8, or UTF-16 with a byte order mark';

/**
 * Reads the variables of a .env file. It may begin with a byte order mark, as
 * Notepad and PowerShell write it, and may be UTF-8, or UTF-16 with this mark.
 * @throws InvalidConfigError if it is neither, or sets a variable twice
 */
export function parseEnvFile(bytes: Uint8Array): NodeJS.Dict<string> {
  const text = decode(bytes).replaceAll('\r\n', '\n');
  const variables = parseEnv(text);
  // A quoted value may span lines, and look like assignments.
  const withoutQuoted = text.replaceAll(/=[ \t]*(["'`])[^]*?\1/g, '=');
  const names = Array.from(
    withoutQuoted.matchAll(ASSIGNMENT),
    ([, name]) => name!,
  );
  const repeated = Object.keys(variables).filter(
    (name) => names.indexOf(name) !== names.lastIndexOf(name),
  );
  if (repeated.length > 0) {
    throw new InvalidConfigError(
      repeated.map((name) => `.env sets ${name} more than once`),
    );
  }
  return variables;
}

function decode(bytes: Uint8Array): string {
  const encoding =
    bytes[0] === 0xff && bytes[1] === 0xfe
      ? 'utf-16le'
      : bytes[0] === 0xfe && bytes[1] === 0xff
        ? 'utf-16be'
        : 'utf-8';
  let text: string;
  try {
    // Removes the byte order mark.
    text = new TextDecoder(encoding, { fatal: true }).decode(bytes);
  } catch {
    throw new InvalidConfigError([WRONG_ENCODING]);
  }
  // UTF-16 without the mark: UTF-8, but with names that nobody knows.
  if (text.includes('\0')) throw new InvalidConfigError([WRONG_ENCODING]);
  return text;
}
