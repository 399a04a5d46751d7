import { parseEnv } from 'node:util';
import { InvalidConfigError } from './invalid-config.error.js';

/** An assignment at the start of a line, as `parseEnv` takes it. */
const ASSIGNMENT = /^[ \t]*(?:export[ \t]+)?([A-Za-z_]\w*)[ \t]*=/gm;

/**
 * Reads the variables of a .env file. It may begin with a byte order mark, as
 * Notepad and PowerShell write it, and may be UTF-8 or UTF-16.
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
  try {
    // Removes the byte order mark.
    return new TextDecoder(encoding, { fatal: true }).decode(bytes);
  } catch {
    throw new InvalidConfigError(['.env must be UTF-8 or UTF-16']);
  }
}
