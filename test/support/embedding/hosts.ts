import { compile, readGuide } from './applications.js';
import { install, rangesOf, write } from './packages.js';

/** An application of the guide on other versions than those of this project. */
export interface Host {
  nest: 10 | 11 | 12;
  adapter: 'express' | 'fastify';
  typeorm: '0.3' | '1';
  store: 'sqlite' | 'mysql';
  format: 'commonjs' | 'module';
}

export function nameOf(host: Host): string {
  const { nest, adapter, typeorm, store, format } = host;
  return `Nest ${nest} on ${adapter}, TypeORM ${typeorm}, ${store}, ${format}`;
}

/** The packages that come in one version with each other. */
export type HostPackages = Pick<Host, 'nest' | 'adapter' | 'typeorm'>;

/** Installs the packed module with what the host brings. */
export async function installHost(
  directory: string,
  { nest, adapter, typeorm }: HostPackages,
): Promise<void> {
  const isOld = nest === 10;
  await install(directory, {
    packed: ['nest-chat-sessions'],
    ranges: {
      ...rangesOf(['better-sqlite3', 'mysql2', 'reflect-metadata', 'rxjs']),
      '@nestjs/common': `^${nest}`,
      '@nestjs/core': `^${nest}`,
      [`@nestjs/platform-${adapter}`]: `^${nest}`,
      '@nestjs/swagger': isOld ? '^8' : `^${nest}`,
      // Version 10 has no TypeORM 1.
      '@nestjs/typeorm': isOld && typeorm === '1' ? '^11' : `^${nest}`,
      'class-validator': isOld ? '^0.14' : '^0.15',
      typeorm: `^${typeorm}`,
    },
    unlocked: true,
  });
}

/** Writes and compiles the guide's files, in a directory with the host's packages. */
export function writeHost(directory: string, host: Host): void {
  const { nest, adapter, store, format } = host;
  const ofStore = readGuide(store === 'mysql' ? 'express' : 'fastify').files;
  const main = readGuide(adapter).files.get('src/main.ts')!;
  for (const [path, code] of ofStore) write(directory, path, code);
  write(
    directory,
    'src/main.ts',
    nest === 10 ? main.replace(/routerOptions: \{ (.+) \}/, '$1') : main,
  );
  write(directory, 'src/package.json', JSON.stringify({ type: format }));
  compile(directory);
}
