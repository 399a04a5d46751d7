import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import ts from 'typescript';
import { afterAll, beforeAll, expect, it } from 'vitest';
import {
  filesOf,
  install,
  installed,
  sameClassScript,
} from '../support/embedding/packages.js';
import { ROOT } from '../support/service-process.js';
import { runNode, startTestService } from '../support/test-service.js';

/** The options of a program that installs the client, without the types of Node.js. */
const OPTIONS: ts.CompilerOptions = {
  strict: true,
  target: ts.ScriptTarget.ES2023,
  module: ts.ModuleKind.NodeNext,
  lib: ['lib.es2023.d.ts', 'lib.dom.d.ts'],
  types: [],
};

let directory: string;

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'chat-sessions-client-'));
  const manifest = { type: 'module' };
  await install(directory, { packed: ['chat-sessions-client'], manifest });
});

afterAll(() => rmSync(directory, { recursive: true, force: true }));

/** Writes the example of a guide as a program with this extension. */
function writeExample(file: string, name: string, baseUrl: string): void {
  const guide = readFileSync(join(ROOT, file), 'utf8');
  const [, example = ''] = /```ts\n(.*?)```/s.exec(guide) ?? [];
  const program = example.replace('http://127.0.0.1:3000', baseUrl);
  expect(program).not.toBe(example);
  writeFileSync(join(directory, name), program);
}

function compile(name: string): string[] {
  const program = ts.createProgram([join(directory, name)], OPTIONS);
  const { diagnostics } = program.emit();
  return [...ts.getPreEmitDiagnostics(program), ...diagnostics].map(
    ({ messageText }) => ts.flattenDiagnosticMessageText(messageText, '\n'),
  );
}

it('the example in docs/client.md prints what it should', async () => {
  const service = await startTestService();
  writeExample('docs/client.md', 'example.ts', service.url);
  expect(compile('example.ts')).toEqual([]);
  const { stdout, ...ending } = await runNode(['example.js'], {}, directory);
  expect(ending).toEqual({ exitCode: 0, stderr: '' });
  expect(stdout.replace(/[\da-f]{8}-[\da-f-]{27}/g, 'ID')).toBe(
    [
      '3 user And exchanges?',
      '2 assistant Section 7.',
      '1 user What covers refunds?',
      'What covers refunds? 3',
      'ID null undefined',
      'ID ID undefined',
      'ID ID undefined',
      'ID ID undefined',
      'ID 4',
      '',
    ].join('\n'),
  );
});

it('the example in docs/turns.md prints what it should', async () => {
  const service = await startTestService();
  writeExample('docs/turns.md', 'turns.ts', service.url);
  expect(compile('turns.ts')).toEqual([]);
  const { stdout, ...ending } = await runNode(['turns.js'], {}, directory);
  expect(ending).toEqual({ exitCode: 0, stderr: '' });
  expect(stdout).toBe(
    [
      'completed Refunds take a week or so and then ',
      'active open',
      'cancelled partial true',
      '',
    ].join('\n'),
  );
});

it('has a README whose example compiles', () => {
  const readme = readFileSync(join(ROOT, 'packages/client/README.md'), 'utf8');
  const [, example] = /```ts\n(.*?)```/s.exec(readme)!;
  writeFileSync(join(directory, 'readme.ts'), example!);
  expect(compile('readme.ts')).toEqual([]);
});

it('is one package with code, types and nothing else', async () => {
  expect(installed(directory)).toEqual(['chat-sessions-client']);
  const files = await filesOf('chat-sessions-client');
  expect(files.filter((file) => !file.endsWith('.d.ts'))).toEqual([
    'LICENSE',
    'README.md',
    'cjs/index.js',
    'cjs/package.json',
    'esm/index.js',
    'package.json',
  ]);
  expect(files).toContain('cjs/index.d.ts');
  expect(files).toContain('esm/index.d.ts');
});

it('gets the same classes from import and require()', async () => {
  const script = sameClassScript(
    'chat-sessions-client',
    'ChatSessionsApiError',
  );
  const { stdout } = await runNode(['-e', script], {}, directory);
  expect(stdout).toBe('true\n');
});

it('has a form for tools that require CommonJS, with types', async () => {
  const program =
    "import { ChatSessionsClient } from 'chat-sessions-client';\n" +
    "new ChatSessionsClient({ baseUrl: '' }).create({ title: 1 });\n";
  writeFileSync(join(directory, 'program.cts'), program);
  expect(compile('program.cts')).toEqual([
    "Type 'number' is not assignable to type 'string'.",
  ]);
  const file = 'node_modules/chat-sessions-client/cjs/index.js';
  const script = `console.log(typeof require('./${file}').ChatSessionsClient)`;
  const { stdout } = await runNode(['-e', script], {}, directory);
  expect(stdout).toBe('function\n');
});
