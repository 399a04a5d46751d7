import { execFile } from 'node:child_process';
import {
  cpSync,
  mkdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import ts from 'typescript';
import { type Environment, NodeProcess, ROOT } from '../service-process.js';

const run = promisify(execFile);
const PARTS = /\n## (?:On Fastify and SQLite|With the guards of the service)\n/;

const SERVER_ONLY = [
  '@fastify/static',
  '@nestjs/platform-fastify',
  '@nestjs/throttler',
  'fastify',
  'helmet',
  'jose',
  'rate-limiter-flexible',
];

/** As `nest new` sets it up. */
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

interface Lock {
  packages: Record<string, object>;
}

/** What the guide says: the packages to install, and the files by their paths. */
interface Guide {
  packages: string[];
  files: Map<string, string>;
}

const APPLICATIONS = ['express', 'fastify', 'guarded'] as const;

/** Of an application, which has the files of those before it that it has not itself. */
export function readGuide(which: (typeof APPLICATIONS)[number]): Guide {
  const text = readFileSync(join(ROOT, 'docs/embedding.md'), 'utf8');
  const parts = text
    .split(PARTS)
    .slice(0, APPLICATIONS.indexOf(which) + 1)
    .join('\n');
  const installs = [...parts.matchAll(/^npm install \S+\.tgz (.+)$/gm)];
  const blocks = parts.matchAll(/```ts\n\/\/ (\S+)\n(.*?)```/gs);
  return {
    packages: installs.at(-1)![1]!.split(' '),
    files: new Map(Array.from(blocks, ([, path, code]) => [path!, code!])),
  };
}

/** Packs this package into a directory. */
export async function pack(
  directory: string,
): Promise<{ tarball: string; files: string[] }> {
  // The tests have built it, and others use that build.
  const args = ['pack', '--json', '--ignore-scripts', '--pack-destination'];
  const { stdout } = await run('npm', [...args, directory], { cwd: ROOT });
  const [packed] = JSON.parse(stdout) as {
    filename: string;
    files: { path: string }[];
  }[];
  return {
    tarball: join(directory, packed!.filename),
    files: packed!.files.map(({ path }) => path),
  };
}

/**
 * Makes an application of the guide's files, with the packed module. Packages
 * have the versions of this project's lock file, so that npm has them already.
 */
export async function install(
  directory: string,
  tarball: string,
  { packages, files }: Guide,
): Promise<void> {
  const manifest = {
    name: 'platform',
    type: 'module',
    dependencies: {
      ...rangesOf(packages),
      'nest-chat-sessions': `file:${basename(tarball)}`,
    },
  };
  const lock = readJson<Lock>('package-lock.json');
  lock.packages[''] = manifest;
  cpSync(tarball, join(directory, basename(tarball)));
  write(directory, 'package.json', JSON.stringify(manifest));
  write(directory, 'package-lock.json', JSON.stringify(lock));
  // Of the two drivers the application has its own.
  await npm(directory, 'install', '--omit=optional');
  if (packages.includes('better-sqlite3')) copySqliteBinary(directory);
  writeFiles(directory, files);
}

/** Installs the service as README.md says for production. */
export async function installForProduction(directory: string): Promise<void> {
  for (const name of ['package.json', 'package-lock.json', 'dist']) {
    cpSync(join(ROOT, name), join(directory, name), { recursive: true });
  }
  await npm(directory, 'ci', '--omit=dev');
  copySqliteBinary(directory);
}

export function writeFiles(directory: string, files: Guide['files']): void {
  for (const [path, code] of files) write(directory, path, code);
}

/** Takes away what only the stand-alone service needs: nothing of the module may load it. */
export function withoutServer(directory: string): void {
  for (const name of SERVER_ONLY) {
    const path = join(directory, 'node_modules', name);
    rmSync(path, { recursive: true });
  }
}

/** Throws what the compiler says. */
export function compile(directory: string): void {
  const program = ts.createProgram([join(directory, 'src/main.ts')], COMPILER);
  const { diagnostics } = program.emit();
  const mistakes = [...ts.getPreEmitDiagnostics(program), ...diagnostics].map(
    ({ messageText, file }) =>
      `${file?.fileName}: ${ts.flattenDiagnosticMessageText(messageText, '\n')}`,
  );
  if (mistakes.length > 0) throw new Error(mistakes.join('\n'));
}

/** Starts it in a time zone that is not the store's. */
export function start(
  directory: string,
  environment: Environment,
): NodeProcess {
  const more = { PORT: '0', TZ: 'America/New_York', ...environment };
  return new NodeProcess(['src/main.js'], more, directory);
}

function rangesOf(packages: string[]): Record<string, string> {
  const own = readJson<Record<string, Record<string, string>>>('package.json');
  const ranges = {
    ...own.devDependencies,
    ...own.dependencies,
    ...own.optionalDependencies,
    ...own.peerDependencies,
  };
  return Object.fromEntries(packages.map((name) => [name, ranges[name]!]));
}

async function npm(directory: string, ...args: string[]): Promise<void> {
  const quick = ['--prefer-offline', '--ignore-scripts'];
  const quiet = ['--no-audit', '--no-fund'];
  await run('npm', [...args, ...quick, ...quiet], { cwd: directory });
}

/** To build one takes a minute. */
function copySqliteBinary(directory: string): void {
  const build = 'node_modules/better-sqlite3/build';
  cpSync(join(ROOT, build), join(directory, build), { recursive: true });
}

function readJson<T>(file: string): T {
  return JSON.parse(readFileSync(join(ROOT, file), 'utf8')) as T;
}

function write(directory: string, path: string, text: string): void {
  mkdirSync(dirname(join(directory, path)), { recursive: true });
  writeFileSync(join(directory, path), text);
}
