import { before } from '@nestjs/swagger/plugin';
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import ts from 'typescript';
import type { Plugin } from 'vite';

interface NestCliConfig {
  sourceRoot: string;
  compilerOptions: {
    tsConfigPath: string;
    plugins: { name: string; options: SwaggerPluginOptions }[];
  };
}

type SwaggerPluginOptions = Record<string, unknown> & {
  dtoFileNameSuffix: string[];
  controllerFileNameSuffix: string[];
};

const ROOT = resolve(import.meta.dirname, '../..');

/**
 * Adds the metadata to DTOs and controllers that `nest build` adds, with the
 * options of nest-cli.json. Vite compiles each file without types: without this
 * plugin, OpenAPI schemas are empty and `@Query()` DTOs are lost in tests.
 */
export function swaggerMetadata(): Plugin {
  const nestCli = readNestCliConfig();
  const options = swaggerOptions(nestCli);
  const source = `${join(ROOT, nestCli.sourceRoot).replaceAll('\\', '/')}/`;
  const suffixes = [
    ...options.dtoFileNameSuffix,
    ...options.controllerFileNameSuffix,
  ];
  let program: ts.Program | undefined;

  return {
    name: 'nest-swagger-metadata',
    enforce: 'pre',
    transform(code, id) {
      const isOurs = suffixes.some((suffix) => id.endsWith(suffix));
      if (!isOurs || !id.startsWith(source)) return undefined;
      // Creating the program takes seconds: only for the first file, and after a change.
      if (program?.getSourceFile(id)?.text !== code) {
        program = createProgram(nestCli.compilerOptions.tsConfigPath);
      }
      return emit(program, id, code, options);
    },
  };
}

function readNestCliConfig(): NestCliConfig {
  const text = readFileSync(join(ROOT, 'nest-cli.json'), 'utf8');
  return JSON.parse(text) as NestCliConfig;
}

function swaggerOptions(nestCli: NestCliConfig): SwaggerPluginOptions {
  const plugin = nestCli.compilerOptions.plugins.find(
    ({ name }) => name === '@nestjs/swagger',
  );
  if (!plugin) throw new Error('nest-cli.json lacks @nestjs/swagger');
  return plugin.options;
}

function createProgram(tsConfigPath: string): ts.Program {
  const config = ts.getParsedCommandLineOfConfigFile(
    join(ROOT, tsConfigPath),
    // Comments stay: some control coverage.
    { declaration: false, incremental: false, removeComments: false },
    {
      ...ts.sys,
      onUnRecoverableConfigFileDiagnostic: ({ messageText }) => {
        throw new Error(ts.flattenDiagnosticMessageText(messageText, '\n'));
      },
    },
  );
  if (!config) throw new Error(`Cannot read ${tsConfigPath}`);
  return ts.createProgram(config.fileNames, config.options);
}

/** Does not report type errors, which `tsc` does. */
function emit(
  program: ts.Program,
  id: string,
  source: string,
  options: SwaggerPluginOptions,
): { code: string; map: string } {
  const file = program.getSourceFile(id);
  if (!file) throw new Error(`The build does not include ${id}`);
  const output = new Map<string, string>();
  program.emit(
    file,
    (fileName, text) =>
      output.set(fileName.endsWith('.map') ? 'map' : 'js', text),
    undefined,
    false,
    { before: [before(options, program)] },
  );
  const [code, map] = [output.get('js'), output.get('map')];
  if (!code || !map) throw new Error(`TypeScript emitted nothing for ${id}`);
  return {
    code: code.replace(/\/\/# sourceMappingURL=.*\s*$/, ''),
    // TypeScript's paths are relative to its outDir.
    map: JSON.stringify({
      ...(JSON.parse(map) as object),
      sources: [id],
      sourcesContent: [source],
    }),
  };
}
