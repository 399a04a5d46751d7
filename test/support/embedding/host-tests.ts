import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { TestDatabase } from '../mysql-database.js';
import { createTestDatabase } from '../test-database.js';
import { type Host, nameOf, writeHost } from './hosts.js';
import {
  fulfilsContract,
  losesNothing,
  RunningApplication,
} from './running.js';

/**
 * The tests of a host, on the store of this run.
 * @param packages resolves to a directory with the host's packages
 */
export function describeHost(
  host: Host,
  packages: () => Promise<string>,
): void {
  describe(nameOf(host), () => {
    let database: TestDatabase;
    let application: RunningApplication;

    beforeAll(async () => {
      const directory = await packages();
      rmSync(join(directory, 'data'), { recursive: true, force: true });
      writeHost(directory, host);
      database = await createTestDatabase();
      application = new RunningApplication(
        directory,
        host.store === 'mysql' ? { DATABASE_URL: database.url } : {},
      );
      await application.start();
    }, 900_000);

    afterAll(async () => {
      await application?.stop();
      await database?.remove();
    });

    fulfilsContract(() => application.url, {
      isExpress4: host.nest === 10 && host.adapter === 'express',
    });

    losesNothing(
      () => application,
      host.store === 'mysql' ? () => database.url : undefined,
    );

    it('closes without output to stderr', async () => {
      const { exitCode, stderr } = (await application.stop())!;
      expect(stderr).toBe('');
      expect(exitCode).toBeOneOf([0, null]);
    });
  });
}

/** A directory for the packages of hosts, which is removed after all tests of the file. */
export function hostDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'chat-sessions-host-'));
  afterAll(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}
