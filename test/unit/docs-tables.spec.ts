import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { Config } from '../../src/app/config/config.js';
import { ERRORS } from '../../src/chat-sessions/errors.js';
import { STORE_ERRORS } from '../../src/database/errors.js';
import type { ErrorInfo } from '../../src/errors/coded-error.js';
import { IdentityUnavailableException } from '../../src/identity/identity-provider.js';

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

it('docs/errors.md has each code of the store and of identities', () => {
  const [, others] = read('docs/errors.md').split('\n## Other codes\n');
  const rows = Array.from(
    others!.matchAll(/^\| `(\w+)` +\| (\d{3}) +\| .+? \| +(\d+)? *\|$/gm),
    ([, code, status, retryAfter]) => [code, Number(status), retryAfter],
  );
  const identity = new IdentityUnavailableException(undefined);
  const store = Object.entries<ErrorInfo>(STORE_ERRORS).map(
    ([code, { status, retryAfter }]) => [code, status, String(retryAfter)],
  );
  expect(rows).toEqual([
    ['validation_failed', 400, undefined],
    [identity.code, identity.getStatus(), identity.headers['Retry-After']],
    ...store,
  ]);
});

describe('docs/decisions.md', () => {
  const [index, ...sections] = read('docs/decisions.md').split(/^## /m);

  it('has an index of its entries, in their order', () => {
    const names = sections.map((section) => section.split('\n', 1)[0]);
    const links = Array.from(
      index!.matchAll(/^- \[(.+)\]\(#.+\)$/gm),
      ([, name]) => name,
    );
    expect(links).toEqual(names);
  });

  it.each(sections.map((section) => [section.split('\n', 1)[0]!, section]))(
    'dates "%s", and says when to undo it',
    (_, section) => {
      expect(section).toMatch(
        /^.+\n\n\d{4}-\d\d-\d\d(, changed \d{4}-\d\d-\d\d)?\. ?/,
      );
      expect(section).toMatch(/^\*\*Undo when\*\* /m);
    },
  );
});

it('docs/configuration.md starts Node.js with the flags of npm run start:prod', () => {
  const { scripts } = JSON.parse(read('package.json')) as {
    scripts: Record<string, string>;
  };
  const command = scripts['start:prod']!.replace(/^exec /, '');
  expect(command).toMatch(/^node --/);
  const page = read('docs/configuration.md');
  const commands = Array.from(
    page.matchAll(/`(node [^`]* dist\/service\/main\.js)`/g),
    ([, text]) => text,
  );
  expect(commands).toEqual([command]);
});
