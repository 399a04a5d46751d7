import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from './support/service-process.js';

// `npm run weights`: what each dependency weighs as it is installed, for docs/dependencies.md.

interface Package {
  version?: string;
  dependencies?: Record<string, string>;
  optionalDependencies?: Record<string, string>;
  peerDependencies?: Record<string, string>;
  devDependencies?: Record<string, string>;
}

const lock = JSON.parse(
  readFileSync(join(ROOT, 'package-lock.json'), 'utf8'),
) as {
  packages: Record<string, Package>;
};

/** Where Node.js finds a package, looked for from another one's place; undefined where it is not installed. */
function find(name: string, from: string): string | undefined {
  for (
    let place = from;
    ;
    place = place.slice(0, place.lastIndexOf('/node_modules/'))
  ) {
    const path =
      place === '' ? `node_modules/${name}` : `${place}/node_modules/${name}`;
    if (path in lock.packages && isInstalled(path)) return path;
    if (!place.includes('/node_modules/')) {
      const top = `node_modules/${name}`;
      return top in lock.packages && isInstalled(top) ? top : undefined;
    }
  }
}

function isInstalled(path: string): boolean {
  return statSync(join(ROOT, path), { throwIfNoEntry: false }) !== undefined;
}

/** The package and all that it depends on; its peers are whose list they are in. */
function closure(path: string, found = new Set<string>()): Set<string> {
  if (found.has(path)) return found;
  found.add(path);
  const { dependencies, optionalDependencies } = lock.packages[path]!;
  for (const name of Object.keys({
    ...dependencies,
    ...optionalDependencies,
  })) {
    const dependency = find(name, path);
    if (dependency) closure(dependency, found);
  }
  return found;
}

/** Bytes of the files of a package, without packages inside of it. */
function weight(path: string): number {
  return readdirSync(join(ROOT, path), { withFileTypes: true })
    .filter(({ name }) => name !== 'node_modules')
    .reduce((sum, entry) => {
      const child = `${path}/${entry.name}`;
      return (
        sum +
        (entry.isDirectory() ? weight(child) : statSync(join(ROOT, child)).size)
      );
    }, 0);
}

function megabytes(paths: Iterable<string>): string {
  const bytes = [...paths].reduce((sum, path) => sum + weight(path), 0);
  return (bytes / 1e6).toFixed(1);
}

const own = lock.packages['']!;
for (const kind of [
  'peerDependencies',
  'dependencies',
  'optionalDependencies',
  'devDependencies',
] as const) {
  console.log(`\n${kind}\n`);
  console.log('| package | version | MB | with what it brings | packages |');
  console.log('| --- | --- | ---: | ---: | ---: |');
  for (const name of Object.keys(own[kind] ?? {})) {
    const path = `node_modules/${name}`;
    const all = closure(path);
    const { version } = lock.packages[path]!;
    console.log(
      `| ${name} | ${version} | ${megabytes([path])} | ${megabytes(all)} | ${all.size} |`,
    );
  }
}
