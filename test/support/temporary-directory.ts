import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';

/** Creates an empty directory that is removed at the end of the test. */
export function temporaryDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'chat-sessions-'));
  onTestFinished(() =>
    rmSync(directory, {
      recursive: true,
      force: true,
      // A process that was killed may just end.
      maxRetries: 20,
      retryDelay: 50,
    }),
  );
  return directory;
}
