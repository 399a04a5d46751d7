import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { before } from '@nestjs/swagger/plugin';
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
 * Gives DTOs and controllers the metadata that `nest build` gives them, with
 * the options of nest-cli.json. Vite compiles one file at a time and knows no
 * types, so without this the OpenAPI schemas are empty and `@Query()` DTOs
 * vanish, in the tests only. All other files stay with Vite.
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
      // Building takes seconds: on the first such file, and when one changed.
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
    // Only what a running test needs; comments may steer coverage.
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

/** Does not report type errors: they are the business of `tsc`. */
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
    // TypeScript's paths start at its outDir, where nothing was written.
    map: JSON.stringify({
      ...(JSON.parse(map) as object),
      sources: [id],
      sourcesContent: [source],
    }),
  };
}
