import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect, it } from 'vitest';
import { Config } from '../../src/app/config/config.js';
import { ERRORS } from '../../src/chat-sessions/errors.js';
import type { ErrorInfo } from '../../src/errors/coded-error.js';

const ROOT = resolve(import.meta.dirname, '../..');
const VARIABLE = /^\| `([A-Z_]+)` +\| (?:`(.*?)`)? *\|/gm;

function read(file: string): string {
  return readFileSync(join(ROOT, file), 'utf8');
}

it('docs/configuration.md has each variable with its default', () => {
  const rows = Array.from(
    read('docs/configuration.md').matchAll(VARIABLE),
    ([, name, value = '']) => [name, value],
  );
  const defaults = Object.entries(new Config()).map(
    ([name, value]: [string, unknown]) => [name, String(value)],
  );
  expect(Object.fromEntries(rows)).toEqual(Object.fromEntries(defaults));
});

it('docs/dependencies.md has each dependency', () => {
  const manifest = JSON.parse(read('package.json')) as Record<string, object>;
  const names = Object.entries(manifest)
    .filter(([key]) => /dependencies$/i.test(key))
    .flatMap(([, packages]) => Object.keys(packages));
  const page = read('docs/dependencies.md');
  expect(names.filter((name) => !page.includes(`\`${name}\``))).toEqual([]);
});

it('docs/errors.md has each code of the module', () => {
  const rows = Array.from(
    read('docs/errors.md').matchAll(
      /^\| `(\w+)` +\| (\d{3}) +\| ([A-Z].*?) +\| (\d+)? *\|/gm,
    ),
    ([, code, status, text, retryAfter]) => [code, status, text, retryAfter],
  );
  const table = Object.entries<ErrorInfo>(ERRORS).map(
    ([code, { status, text, retryAfter }]) => [
      code,
      String(status),
      text,
      retryAfter && String(retryAfter),
    ],
  );
  expect(rows).toEqual(table);
});
