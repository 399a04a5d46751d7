import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

/** The directories of PATH. */
export function pathDirectories(): string[] {
  return process.env.PATH?.split(delimiter) ?? [];
}

/** The path of the first name that is an executable file in one of the directories, or null. */
export function which(
  names: string[],
  directories = pathDirectories(),
): string | null {
  return (
    names
      .flatMap((name) => directories.map((directory) => join(directory, name)))
      .find(isExecutable) ?? null
  );
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
