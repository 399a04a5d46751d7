import { describe, expect, it } from 'vitest';
import { ROOMS } from '../../tools/docs-map/rooms.js';
import { roomOf, sourceFiles } from '../../tools/docs-map/source-files.js';

type Files = { path: string; imports: string[] }[];

/** Each import of another room, tested by a rule that says what is wrong with it. */
function violations(
  files: Files,
  rule: (from: string, to: string) => string | undefined,
): string[] {
  return files.flatMap(({ path, imports }) =>
    imports
      .filter((imported) => roomOf(imported) !== roomOf(path))
      .map((imported) => ({ imported, wrong: rule(path, imported) }))
      .filter(({ wrong }) => wrong)
      .map(({ imported, wrong }) => `${path} imports ${imported}: ${wrong}`),
  );
}

/** Cycles between rooms fail here, too: one of their imports goes up. */
function upwards(from: string, to: string): string | undefined {
  const [importer, imported] = [roomOf(from)!, roomOf(to)!];
  if (ROOMS.indexOf(importer) < ROOMS.indexOf(imported)) return undefined;
  return `${imported.name} is above ${importer.name}`;
}

function uninvited(from: string, to: string): string | undefined {
  const [importer, { name, importedBy }] = [roomOf(from)!, roomOf(to)!];
  if (!importedBy || importedBy.includes(importer.name)) return undefined;
  return `${name} is for ${importedBy.join(', ') || 'no other room'}`;
}

/** Only a module, or the list that it takes them from, imports the controllers of another room. */
function foreignController(from: string, to: string): string | undefined {
  const isRegistration = /(?:\.module|\/controllers)\.ts$/.test(from);
  if (!to.endsWith('.controller.ts') || isRegistration) return undefined;
  return 'a controller is for its own room and its module';
}

describe('src', () => {
  const files = sourceFiles();

  it('has a room for each file, and files in each room', () => {
    expect(files.filter(({ room }) => !room).map(({ path }) => path)).toEqual(
      [],
    );
    const used = new Set(files.map(({ room }) => room));
    expect(ROOMS.filter((room) => !used.has(room))).toEqual([]);
  });

  it('imports files that exist', () => {
    const paths = new Set(files.map(({ path }) => path));
    const missing = files.flatMap(({ path, imports }) =>
      imports
        .filter((imported) => !paths.has(imported))
        .map((imported) => `${path} imports ${imported}`),
    );
    expect(missing).toEqual([]);
  });

  it('imports from the top down', () => {
    expect(violations(files, upwards)).toEqual([]);
  });

  it('keeps the drivers and the client apart', () => {
    expect(violations(files, uninvited)).toEqual([]);
  });

  it("imports no other room's controller", () => {
    expect(violations(files, foreignController)).toEqual([]);
  });
});

describe('a controller', () => {
  it('has at most 150 lines', () => {
    const controllers = sourceFiles().filter(({ path }) =>
      path.endsWith('.controller.ts'),
    );
    expect(controllers).not.toEqual([]);
    const tooLong = controllers.filter(({ lines }) => lines > 150);
    expect(tooLong.map(({ path }) => path)).toEqual([]);
  });
});

describe('the rules', () => {
  const imports = (path: string, imported: string): Files => [
    { path, imports: [imported] },
  ];

  it('find an import that goes up, with the file and what it imports', () => {
    expect(
      violations(imports('http/fastify.ts', 'app/config/config.ts'), upwards),
    ).toEqual([
      'http/fastify.ts imports app/config/config.ts: app is above http',
    ]);
  });

  it('find an import of a driver, and of the client', () => {
    const driver = 'database/mysql/mysql.database.ts';
    const client = 'client/index.ts';
    const files = [
      ...imports('database/open-database.ts', driver),
      ...imports('chat-sessions/writes/session-writes.ts', driver),
      ...imports('main.ts', client),
    ];
    expect(violations(files, uninvited)).toEqual([
      `chat-sessions/writes/session-writes.ts imports ${driver}: database/mysql is for app, database/open`,
      `main.ts imports ${client}: client is for no other room`,
    ]);
  });

  it("find an import of another feature's controller", () => {
    const controller = 'chat-sessions/messages/chat-messages.controller.ts';
    const files = [
      ...imports('chat-sessions/chat-sessions.module.ts', controller),
      ...imports('chat-sessions/sessions/x.service.ts', controller),
    ];
    expect(violations(files, foreignController)).toEqual([
      `chat-sessions/sessions/x.service.ts imports ${controller}: a controller is for its own room and its module`,
    ]);
  });
});
