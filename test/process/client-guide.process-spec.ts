import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';
import { expect, it, onTestFinished } from 'vitest';
import { NodeProcess, ROOT, startService } from '../support/service-process.js';
import { temporaryDirectory } from '../support/temporary-directory.js';

/** As a program that installed the package would: with no types but the language's and the web's. */
const OPTIONS: ts.CompilerOptions = {
  strict: true,
  target: ts.ScriptTarget.ES2023,
  module: ts.ModuleKind.NodeNext,
  lib: ['lib.es2023.d.ts', 'lib.dom.d.ts'],
  types: [],
};

/** A package that depends on this one, with the example of the guide as its program. */
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

it('the example of docs/client.md does what it says', async () => {
  const service = await startService();
  onTestFinished(async () => {
    await service.stop();
  });
  const directory = install(service.url);
  expect(compile(directory)).toEqual([]);
  const { ended } = new NodeProcess(['example.js'], {}, directory);
  expect(await ended).toMatchObject({
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
