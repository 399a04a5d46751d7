import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';
import { PATIENT_DEADLINE_MS } from '../patience.js';
import { ROOT } from '../service-process.js';
import { install, rangesOf, write } from './packages.js';

const PARTS = /\n## (?:On Fastify and SQLite|With the guards of the service)\n/;

/** The options that `nest new` writes. */
const COMPILER: ts.CompilerOptions = {
  strict: true,
  strictPropertyInitialization: false,
  target: ts.ScriptTarget.ES2023,
  module: ts.ModuleKind.NodeNext,
  experimentalDecorators: true,
  emitDecoratorMetadata: true,
  skipLibCheck: true,
  types: ['node'],
  typeRoots: [join(ROOT, 'node_modules/@types')],
};

/** An application of the guide: the packages to install, and its files by path. */
interface Guide {
  packages: string[];
  files: Map<string, string>;
}

const APPLICATIONS = ['express', 'fastify', 'guarded'] as const;

/**
 * Reads one application from docs/embedding.md. It keeps the files of the
 * applications before it, unless it has a file of the same path.
 */
export function readGuide(name: (typeof APPLICATIONS)[number]): Guide {
  const text = readFileSync(join(ROOT, 'docs/embedding.md'), 'utf8');
  const parts = text
    .split(PARTS)
    .slice(0, APPLICATIONS.indexOf(name) + 1)
    .join('\n');
  const blocks = parts.matchAll(/```ts\n\/\/ (\S+)\n(.*?)```/gs);
  return {
    packages: packagesOf(parts),
    files: new Map(
      Array.from(blocks, ([, path, code]) => [path!, patient(path!, code!)]),
    ),
  };
}

const OWNER = /^ *owner: \(request.*,$|owner: ownerOf/m;

/** Gives the module of an application a deadline for a busy machine. */
function patient(path: string, code: string): string {
  const deadline = `deadlineMs: ${PATIENT_DEADLINE_MS}`;
  if (code.includes('readonly deadlineMs')) {
    return code.replace(/deadlineMs = [\d_]+/, deadline.replace(':', ' ='));
  }
  if (path !== 'src/app.module.ts' || /\bdeadlineMs,/.test(code)) return code;
  if (!OWNER.test(code)) throw new Error(`${path} has no options`);
  return code.replace(OWNER, (owner) => `${deadline}, ${owner}`);
}

/** The packages of the last application: those of its tarball's line, and of the lines after it. */
function packagesOf(parts: string): string[] {
  const lines = Array.from(
    parts.matchAll(/^npm install (.+)$/gm),
    ([, names]) => names!.split(' '),
  );
  const isStart = (names: string[]) => names[0]!.endsWith('.tgz');
  return lines
    .slice(lines.findLastIndex(isStart))
    .flat()
    .filter((name) => !name.endsWith('.tgz'));
}

/** Makes an application of the guide's files and the packed module. */
export async function installGuide(
  directory: string,
  { packages, files }: Guide,
): Promise<void> {
  await install(directory, {
    packed: ['nest-chat-sessions'],
    ranges: rangesOf(packages),
    manifest: { type: 'module' },
  });
  for (const [path, code] of files) write(directory, path, code);
}

/** Compiles the application. Throws the compiler's errors. */
export function compile(directory: string, main = 'src/main.ts'): void {
  const program = ts.createProgram([join(directory, main)], COMPILER);
  const { diagnostics } = program.emit();
  const errors = [...ts.getPreEmitDiagnostics(program), ...diagnostics].map(
    ({ messageText, file }) =>
      `${file?.fileName}: ${ts.flattenDiagnosticMessageText(messageText, '\n')}`,
  );
  if (errors.length > 0) throw new Error(errors.join('\n'));
}
