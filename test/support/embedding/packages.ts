import { execFile } from 'node:child_process';
import {
  cpSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { ROOT } from '../service-process.js';

const run = promisify(execFile);
/** npm is ended after this time, before the hook that runs it times out (900 s). */
const NPM_LIMIT_MS = 600_000;

interface Lock {
  packages: Record<string, object>;
}

export type PackageName =
  'chat-sessions' | 'chat-sessions-client' | 'nest-chat-sessions';

export interface Application {
  /** The packages of this project. */
  packed: PackageName[];
  /** Ranges of other packages, by name. */
  ranges?: Record<string, string>;
  /** Without this project's lock file: the newest versions in their ranges. */
  unlocked?: boolean;
  /** More of its package.json. */
  manifest?: object;
}

/** The tarball that `npm run pack` has made. */
function tarballOf(name: PackageName): string {
  const { version } = readJson<{ version: string }>('package.json');
  return join(ROOT, 'dist/packages', `${name}-${version}.tgz`);
}

/** The paths in a tarball, sorted. */
export async function filesOf(name: PackageName): Promise<string[]> {
  const { stdout } = await run('tar', ['-tzf', tarballOf(name)]);
  const paths = stdout.trim().split('\n');
  return paths.map((path) => path.replace(/^package\//, '')).sort();
}

/**
 * Installs packed packages and others into a directory, with the versions of this
 * project's lock file, which npm has in its cache.
 */
export async function install(
  directory: string,
  { packed, ranges = {}, unlocked = false, manifest = {} }: Application,
): Promise<void> {
  const tarballs = packed.map((name) => {
    const file = basename(tarballOf(name));
    write(directory, file, readFileSync(tarballOf(name)));
    return [name, `file:${file}`];
  });
  const dependencies = { ...ranges, ...Object.fromEntries(tarballs) } as object;
  const root = { name: 'platform', ...manifest, dependencies };
  write(directory, 'package.json', JSON.stringify(root));
  if (!unlocked) {
    const lock = readJson<Lock>('package-lock.json');
    lock.packages[''] = root;
    write(directory, 'package-lock.json', JSON.stringify(lock));
  }
  const quick = ['--prefer-offline', '--ignore-scripts'];
  const quiet = ['--no-audit', '--no-fund'];
  await run('npm', ['install', ...quick, ...quiet], {
    cwd: directory,
    timeout: NPM_LIMIT_MS,
  });
  if (installed(directory).includes('better-sqlite3')) copyDriver(directory);
}

/** The names of all packages in the directory's node_modules. */
export function installed(directory: string): string[] {
  const folder = join(directory, 'node_modules');
  return readdirSync(folder)
    .filter((name) => !name.startsWith('.'))
    .flatMap((name) =>
      name.startsWith('@')
        ? readdirSync(join(folder, name)).map((part) => `${name}/${part}`)
        : [name],
    );
}

/** The ranges that this project has for packages. */
export function rangesOf(names: string[]): Record<string, string> {
  const own = readJson<Record<string, Record<string, string>>>('package.json');
  const ranges = {
    ...own.devDependencies,
    ...own.dependencies,
    ...own.optionalDependencies,
  };
  return Object.fromEntries(names.map((name) => [name, ranges[name]!]));
}

/** Copies the compiled driver, since a build takes a minute. `npm run test:matrix` names those of other Node.js versions. */
function copyDriver(directory: string): void {
  const build = 'node_modules/better-sqlite3/build';
  const compiled = process.env.SQLITE_DRIVER ?? join(ROOT, build);
  cpSync(compiled, join(directory, build), { recursive: true });
}

/** A script that prints whether `import` and `require()` of a package give the same class. */
export function sameClassScript(name: PackageName, className: string): string {
  return `import('${name}').then((imported) => console.log(imported.${className} === require('${name}').${className}))`;
}

function readJson<T>(file: string): T {
  return JSON.parse(readFileSync(join(ROOT, file), 'utf8')) as T;
}

export function write(
  directory: string,
  path: string,
  content: string | Buffer,
): void {
  mkdirSync(dirname(join(directory, path)), { recursive: true });
  writeFileSync(join(directory, path), content);
}
