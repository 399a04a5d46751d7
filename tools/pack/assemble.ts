import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { isBuiltin } from 'node:module';
import { dirname, join, relative, resolve } from 'node:path';
import { build } from 'rolldown';
import ts from 'typescript';

export const ROOT = resolve(import.meta.dirname, '../..');
export const PACKAGES = join(ROOT, 'dist/packages');

/** Compiled files that become one part of a package. */
export interface Part {
  /** The folder of the compiled files. */
  from: string;
  /** The files to import, without extension. */
  entries: string[];
  format: 'cjs' | 'esm';
  /** Folder in the package. */
  to: string;
  /** Packages that become part of the code. */
  bundled?: string[];
}

interface Manifest {
  name: string;
  dependencies?: Record<string, string>;
  peerDependencies?: Record<string, string>;
}

interface ServiceManifest {
  version: string;
  dependencies: Record<string, string>;
}

/**
 * Makes a package from its folder in `packages`, and returns its directory. The
 * version is that of the service.
 * @throws if its package.json does not name exactly the packages that it loads, or
 * has another range for a dependency than the service
 */
export async function assemble(folder: string, parts: Part[]): Promise<string> {
  const source = join(ROOT, 'packages', folder);
  const manifest = readJson<Manifest>(join(source, 'package.json'));
  const directory = join(PACKAGES, manifest.name);
  const loaded = new Set<string>();
  for (const part of parts) {
    for (const name of await bundle(part, directory)) loaded.add(name);
    copyTypes(part, directory);
  }
  const service = readJson<ServiceManifest>(join(ROOT, 'package.json'));
  checkLoaded(manifest, loaded);
  checkRanges(manifest, service);
  const { name, ...rest } = manifest;
  const { version } = service;
  writeJson(join(directory, 'package.json'), { name, version, ...rest });
  cpSync(join(source, 'README.md'), join(directory, 'README.md'));
  cpSync(join(ROOT, 'LICENSE'), join(directory, 'LICENSE'));
  return directory;
}

/** Writes the code of a part, and returns the names of the packages that it loads. */
async function bundle(
  { from, entries, format, to, bundled = [] }: Part,
  directory: string,
): Promise<string[]> {
  const isInside = (id: string) => /^[./]/.test(id) || bundled.includes(id);
  const { output } = await build({
    input: entries.map((entry) => join(from, `${entry}.js`)),
    platform: 'node',
    external: (id) => !isInside(id),
    output: {
      dir: join(directory, to),
      format,
      chunkFileNames: 'shared/[name].js',
      // Jest has no `import()`, and Node.js can require ES modules.
      dynamicImportInCjs: false,
      comments: { legal: true, jsdoc: false, annotation: true },
    },
  });
  const files = output.map(({ fileName }) => fileName);
  return output
    .filter((file) => file.type === 'chunk')
    .flatMap(({ imports, dynamicImports }) => [...imports, ...dynamicImports])
    .filter((id) => !files.includes(id) && !isBuiltin(id))
    .map(packageOf);
}

/** `@scope/name/file` becomes `@scope/name`. */
function packageOf(id: string): string {
  return id
    .split('/')
    .slice(0, id.startsWith('@') ? 2 : 1)
    .join('/');
}

function checkLoaded(
  { name, dependencies, peerDependencies }: Manifest,
  loaded: Set<string>,
): void {
  const named = Object.keys({ ...dependencies, ...peerDependencies }).sort();
  const needed = [...loaded].sort();
  if (named.join() === needed.join()) return;
  throw new Error(`${name} names ${named.join()}, but loads ${needed.join()}`);
}

function checkRanges(
  { name, dependencies = {} }: Manifest,
  service: ServiceManifest,
): void {
  for (const [dependency, range] of Object.entries(dependencies)) {
    const tested = service.dependencies[dependency];
    if (range === tested) continue;
    throw new Error(`${name} needs ${dependency} ${range}, not ${tested}`);
  }
}

/** Copies the types of the entries, with the files that they import. */
function copyTypes({ from, entries, to }: Part, directory: string): void {
  const files = new Set(entries.map((entry) => join(from, `${entry}.d.ts`)));
  // Files that are added meanwhile are visited, too.
  for (const file of files) {
    const text = readFileSync(file, 'utf8');
    for (const { fileName } of ts.preProcessFile(text).importedFiles) {
      if (!fileName.startsWith('.')) continue;
      files.add(join(dirname(file), fileName.replace(/\.js$/, '.d.ts')));
    }
    const target = join(directory, to, relative(from, file));
    mkdirSync(dirname(target), { recursive: true });
    writeFileSync(target, text);
  }
}

function readJson<T>(file: string): T {
  return JSON.parse(readFileSync(file, 'utf8')) as T;
}

export function writeJson(file: string, value: object): void {
  writeFileSync(file, `${JSON.stringify(value, null, 2)}\n`);
}
