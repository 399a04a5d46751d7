import { type Room, ROOMS } from './rooms.js';
import type { SourceFile } from './source-files.js';

const START = '<!-- Written by `npm run docs:map` from the imports of src -->';
const END = '<!-- End of what `npm run docs:map` writes -->';

/** The page with its map made anew; what is written by hand stays. */
export function withMap(page: string, files: SourceFile[]): string {
  const [before, rest] = page.split(START);
  const after = rest?.split(END)[1];
  if (before === undefined || after === undefined) {
    throw new Error(`The page lacks the lines ${START} and ${END}`);
  }
  return [before, START, '\n\n', map(files), '\n', END, after].join('');
}

function map(files: SourceFile[]): string {
  const imports = importsOfRooms(files);
  return [picture(imports), table(files, imports)].join('\n');
}

type ImportsOfRooms = Map<Room, Room[]>;

function importsOfRooms(files: SourceFile[]): ImportsOfRooms {
  const roomOf = new Map(files.map(({ path, room }) => [path, room]));
  return new Map(
    ROOMS.map((room) => {
      const imported = files
        .filter((file) => file.room === room)
        .flatMap(({ imports }) => imports.map((path) => roomOf.get(path)));
      return [
        room,
        ROOMS.filter((other) => other !== room && imported.includes(other)),
      ];
    }),
  );
}

function picture(imports: ImportsOfRooms): string {
  const id = (room: Room) => room.name.replaceAll(/\W/g, '_');
  const lines = [...imports].flatMap(([room, imported]) => [
    `  ${id(room)}["${room.name}"]`,
    ...imported
      .filter((other) => !isReachedOtherwise(other, imported, imports))
      .map((other) => `  ${id(room)} --> ${id(other)}`),
  ]);
  return ['```mermaid', 'flowchart TD', ...lines, '```', ''].join('\n');
}

/** Whether one of the others imports the room, by itself or through more. */
function isReachedOtherwise(
  room: Room,
  imported: Room[],
  imports: ImportsOfRooms,
): boolean {
  const reached = new Set(imported.filter((other) => other !== room));
  for (const other of reached) {
    for (const next of imports.get(other)!) reached.add(next);
  }
  return reached.has(room);
}

function table(files: SourceFile[], imports: ImportsOfRooms): string {
  const rows = [...imports].map(([room, imported]) => {
    const own = files.filter((file) => file.room === room);
    const lines = own.reduce((sum, file) => sum + file.lines, 0);
    return [
      `\`${room.name}\``,
      room.purpose,
      String(own.length),
      (Math.ceil(lines / 100) * 100).toLocaleString('en'),
      imported.map(({ name }) => `\`${name}\``).join(', '),
    ];
  });
  return [
    ['room', 'what it is for', 'files', 'lines', 'imports'],
    ['---', '---', '---:', '---:', '---'],
    ...rows,
  ]
    .map((cells) => `| ${cells.join(' | ')} |\n`)
    .join('');
}
