import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';

const ROOT = resolve(import.meta.dirname, '../..');
const LINK = /\]\(<?([^)\s>]+)>?\)/g;
const WITH_SCHEME = /^[a-z][a-z+.-]*:/i;

/** Paths of the Markdown files, without those of dependencies and builds. */
function markdownFiles(): string[] {
  const files = (directory: string, recursive: boolean) =>
    readdirSync(join(ROOT, directory), { recursive, encoding: 'utf8' }).map(
      (name) => join(directory, name),
    );
  const folders = ['docs', 'packages', 'src', 'test', 'tools'];
  return [
    ...files('.', false),
    ...folders.flatMap((folder) => files(folder, true)),
  ].filter((name) => name.endsWith('.md'));
}

/** The text of a file without fenced blocks, whose brackets are no links and whose `#` are no headings. */
function proseOf(file: string): string {
  return readFileSync(file, 'utf8').replace(/^```.*?^```$/gms, '');
}

/** Commands of a file, as a reader pastes them. */
function commandsOf(file: string): string[] {
  const blocks = readFileSync(file, 'utf8').matchAll(/^```sh\n(.*?)^```$/gms);
  return Array.from(blocks, ([, commands]) => commands!);
}

/** Anchors of a file's headings, as GitHub forms them; a repeated heading gets a number. */
function anchorsOf(file: string): Set<string> {
  const anchors = new Set<string>();
  for (const [, heading] of proseOf(file).matchAll(/^#{1,6} +(.+?) *$/gm)) {
    const slug = heading!
      .replace(/\[(.*?)\]\(.*?\)/g, '$1')
      .toLowerCase()
      .replace(/[^\p{L}\p{N}_\- ]/gu, '')
      .replaceAll(' ', '-');
    let anchor = slug;
    for (let n = 1; anchors.has(anchor); n++) anchor = `${slug}-${n}`;
    anchors.add(anchor);
  }
  return anchors;
}

/** Links of a file that lead nowhere. */
function brokenLinksOf(file: string): string[] {
  const links = Array.from(
    proseOf(file)
      .replace(/`[^`\n]*`/g, '')
      .matchAll(LINK),
    ([, target]) => target!,
  );
  return links.filter((link) => {
    if (WITH_SCHEME.test(link)) return false;
    const [path, anchor] = link.split('#') as [string, string | undefined];
    const target = path === '' ? file : resolve(dirname(file), path);
    if (!existsSync(target)) return true;
    return anchor !== undefined && !anchorsOf(target).has(anchor);
  });
}

describe('relative links', () => {
  it.each(markdownFiles())('of %s lead to files and headings', (file) => {
    expect(brokenLinksOf(join(ROOT, file))).toEqual([]);
  });
});

describe('commands', () => {
  // An interactive zsh takes a comment for arguments, and an apostrophe in it for a quote.
  it.each(markdownFiles())('of %s have no comments', (file) => {
    const commands = commandsOf(join(ROOT, file)).join('\n').split('\n');
    expect(commands.filter((line) => /(^|\s)#/.test(line))).toEqual([]);
  });
});
