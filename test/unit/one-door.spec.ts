import { join, relative, resolve } from 'node:path';
import ts from 'typescript';
import { describe, expect, it } from 'vitest';

const ROOT = resolve(import.meta.dirname, '../..');
const DRIVER = /\/node_modules\/(@types\/better-sqlite3|mysql2)\//;
const TYPEORM = /\/node_modules\/typeorm\//;

function createProgram(): ts.Program {
  const config = ts.getParsedCommandLineOfConfigFile(
    join(ROOT, 'tsconfig.build.json'),
    { incremental: false },
    { ...ts.sys, onUnRecoverableConfigFileDiagnostic: () => undefined },
  );
  return ts.createProgram(config!.fileNames, config!.options);
}

/**
 * Calls in the sources that reach the store, as `FILE: METHOD`: all of the
 * drivers, and what returns a promise of TypeORM (its query builders do not,
 * until they are executed).
 */
function callsToTheStore(program: ts.Program): string[] {
  const checker = program.getTypeChecker();
  const calls: string[] = [];

  function visit(node: ts.Node): void {
    ts.forEachChild(node, visit);
    if (!ts.isCallExpression(node)) return;
    const signature = checker.getResolvedSignature(node);
    const declaredIn = signature?.declaration?.getSourceFile().fileName ?? '';
    const returned = signature?.getReturnType().symbol?.name;
    const reaches =
      DRIVER.test(declaredIn) ||
      (TYPEORM.test(declaredIn) && returned === 'Promise');
    if (!reaches) return;
    calls.push(described(node));
  }

  for (const fileName of program.getRootFileNames()) {
    visit(program.getSourceFile(fileName)!);
  }
  return calls;
}

/** The calls of `Database.write`, which opens a transaction. */
function callsOfWrite(program: ts.Program): string[] {
  const checker = program.getTypeChecker();
  const calls: string[] = [];

  function visit(node: ts.Node): void {
    ts.forEachChild(node, visit);
    if (!ts.isCallExpression(node)) return;
    const declaration = checker.getResolvedSignature(node)?.declaration;
    if (!declaration || !ts.isMethodDeclaration(declaration)) return;
    const { parent } = declaration;
    const isDatabase =
      ts.isClassDeclaration(parent) && parent.name?.text === 'Database';
    if (isDatabase && declaration.name.getText() === 'write') {
      calls.push(described(node));
    }
  }

  for (const fileName of program.getRootFileNames()) {
    visit(program.getSourceFile(fileName)!);
  }
  return calls;
}

/** `FILE: METHOD`, from the root of the project. */
function described({ expression }: ts.CallExpression): string {
  const method = ts.isPropertyAccessExpression(expression)
    ? expression.name
    : expression;
  const file = relative(ROOT, expression.getSourceFile().fileName);
  return `${file.replaceAll('\\', '/')}: ${method.getText()}`;
}

const program = createProgram();

describe('a transaction', () => {
  it('is opened by SessionWrites, and for what changes no version of a session', () => {
    expect(new Set(callsOfWrite(program))).toEqual(
      new Set([
        'src/chat-sessions/forks/fork-sweeper.ts: write',
        'src/chat-sessions/forks/forks.service.ts: write',
        'src/chat-sessions/removal/purger.ts: write',
        'src/chat-sessions/removal/range-purger.ts: write',
        'src/chat-sessions/runs/run-outputs.service.ts: write',
        'src/chat-sessions/sessions/activity-correction.ts: write',
        'src/chat-sessions/writes/idempotency/idempotency-sweeper.ts: write',
        'src/chat-sessions/writes/session-writes.ts: write',
      ]),
    );
  });
});

describe('the store', () => {
  const calls = callsToTheStore(program);

  it('is reached in src/database', () => {
    expect(calls).toEqual(
      expect.arrayContaining([
        'src/app/database/data-source.ts: runMigrations',
        'src/database/mysql/mysql.database.ts: obtainMasterConnection',
        'src/database/mysql/statements.ts: query',
        'src/database/sqlite/sqlite.database.ts: transaction',
      ]),
    );
  });

  it('is reached nowhere else', () => {
    const doors = [
      'src/database/',
      'src/app/database/',
      'src/chat-sessions/store/migrations/',
    ];
    const others = calls.filter(
      (call) => !doors.some((door) => call.startsWith(door)),
    );
    expect(others).toEqual([]);
  });
});
