import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';
import { expect, it } from 'vitest';
import { ROOT } from '../support/service-process.js';
import { temporaryDirectory } from '../support/temporary-directory.js';
import { runNode, startTestService } from '../support/test-service.js';

/** The options of a program that installs the package, without the types of Node.js. */
const OPTIONS: ts.CompilerOptions = {
  strict: true,
  target: ts.ScriptTarget.ES2023,
  module: ts.ModuleKind.NodeNext,
  lib: ['lib.es2023.d.ts', 'lib.dom.d.ts'],
  types: [],
};

/** Makes a package that depends on this one. Its program is the guide's example. */
function install(baseUrl: string): string {
  const directory = temporaryDirectory();
  mkdirSync(join(directory, 'node_modules'));
  symlinkSync(ROOT, join(directory, 'node_modules/nest-chat-sessions'));
  writeFileSync(join(directory, 'package.json'), '{"type": "module"}');
  const guide = readFileSync(join(ROOT, 'docs/client.md'), 'utf8');
  const [, example = ''] = /```ts\n(.*?)```/s.exec(guide) ?? [];
  const program = example.replace('http://127.0.0.1:3000', baseUrl);
  expect(program).not.toBe(example);
  writeFileSync(join(directory, 'example.ts'), program);
  return directory;
}

function compile(directory: string): string[] {
  const program = ts.createProgram([join(directory, 'example.ts')], OPTIONS);
  const { diagnostics } = program.emit();
  return [...ts.getPreEmitDiagnostics(program), ...diagnostics].map(
    ({ messageText }) => ts.flattenDiagnosticMessageText(messageText, '\n'),
  );
}

it('the example in docs/client.md prints what it should', async () => {
  const service = await startTestService();
  const directory = install(service.url);
  expect(compile(directory)).toEqual([]);
  expect(await runNode(['example.js'], {}, directory)).toEqual({
    exitCode: 0,
    stdout: [
      '3 user And exchanges?',
      '2 assistant Section 7.',
      '1 user What covers refunds?',
      'What covers refunds? 3',
      '',
    ].join('\n'),
    stderr: '',
  });
});
