import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect, it } from 'vitest';
import { Config } from '../../src/app/config/config.js';

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
