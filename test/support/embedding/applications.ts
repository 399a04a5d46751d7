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
/** npm is ended after this time, before the hook that runs it times out (900 s). */
const NPM_LIMIT_MS = 600_000;
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

interface Lock {
  packages: Record<string, object>;
}

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
  const installs = [...parts.matchAll(/^npm install \S+\.tgz (.+)$/gm)];
  const blocks = parts.matchAll(/```ts\n\/\/ (\S+)\n(.*?)```/gs);
  return {
    packages: installs.at(-1)![1]!.split(' '),
    files: new Map(Array.from(blocks, ([, path, code]) => [path!, code!])),
  };
}

/** Packs this package into a directory. `files` are the paths in the tarball. */
export async function pack(
  directory: string,
): Promise<{ tarball: string; files: string[] }> {
  // Without the scripts: other tests use the build meanwhile.
  const args = ['pack', '--json', '--ignore-scripts', '--pack-destination'];
  const { stdout } = await run('npm', [...args, directory], {
    cwd: ROOT,
    timeout: NPM_LIMIT_MS,
  });
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
 * Makes an application of the guide's files and the packed module. Packages have
 * the versions of this project's lock file, so that npm has them in its cache.
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
  // The drivers are optional dependencies; the application lists its own.
  await npm(directory, 'install', '--omit=optional');
  if (packages.includes('better-sqlite3')) copySqliteBinary(directory);
  for (const [path, code] of files) write(directory, path, code);
}

/** Installs the service for production, as README.md describes it. */
export async function installForProduction(directory: string): Promise<void> {
  for (const name of ['package.json', 'package-lock.json', 'dist']) {
    cpSync(join(ROOT, name), join(directory, name), { recursive: true });
  }
  await npm(directory, 'ci', '--omit=dev');
  copySqliteBinary(directory);
}

/** Removes the packages of the stand-alone service. The module must not load them. */
export function removeServerPackages(directory: string): void {
  for (const name of SERVER_ONLY) {
    const path = join(directory, 'node_modules', name);
    rmSync(path, { recursive: true });
  }
}

/** Compiles the application. Throws the compiler's errors. */
export function compile(directory: string): void {
  const program = ts.createProgram([join(directory, 'src/main.ts')], COMPILER);
  const { diagnostics } = program.emit();
  const errors = [...ts.getPreEmitDiagnostics(program), ...diagnostics].map(
    ({ messageText, file }) =>
      `${file?.fileName}: ${ts.flattenDiagnosticMessageText(messageText, '\n')}`,
  );
  if (errors.length > 0) throw new Error(errors.join('\n'));
}

/** Starts the application in a time zone other than the store's (UTC). */
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
  await run('npm', [...args, ...quick, ...quiet], {
    cwd: directory,
    timeout: NPM_LIMIT_MS,
  });
}

/** Copies the compiled driver, since a build takes a minute. */
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
