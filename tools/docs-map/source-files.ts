import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize, resolve } from 'node:path';
import ts from 'typescript';
import { type Room, ROOMS } from './rooms.js';

export const ROOT = resolve(import.meta.dirname, '../..');

/** A file of src: its path there, its room, and the files of src that it imports. */
export interface SourceFile {
  path: string;
  room: Room | undefined;
  lines: number;
  imports: string[];
}

/** Every file of src but the specs. Imports of types count, too. */
export function sourceFiles(): SourceFile[] {
  const source = join(ROOT, 'src');
  return readdirSync(source, { recursive: true, encoding: 'utf8' })
    .map((path) => path.replaceAll('\\', '/'))
    .filter((path) => path.endsWith('.ts') && !path.endsWith('.spec.ts'))
    .toSorted()
    .map((path) => {
      const text = readFileSync(join(source, path), 'utf8');
      return {
        path,
        room: roomOf(path),
        lines: text.split('\n').length - 1,
        imports: importsOf(path, text),
      };
    });
}

export function roomOf(path: string): Room | undefined {
  return ROOMS.find(({ paths }) =>
    paths.some((start) => path.startsWith(start)),
  );
}

/** The relative imports of a file, static or not, as paths in src. */
function importsOf(path: string, text: string): string[] {
  const { importedFiles } = ts.preProcessFile(text);
  return importedFiles
    .map(({ fileName }) => fileName)
    .filter((name) => name.startsWith('.'))
    .map((name) => normalize(join(dirname(path), name)))
    .map((name) => name.replaceAll('\\', '/').replace(/\.js$/, '.ts'));
}
