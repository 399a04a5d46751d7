import type { TestProject } from 'vitest/node';
import { startMysqlServer } from './mysql-server.js';

/**
 * One server for all files of the project: `TEST_MYSQL_URL`, or a private one
 * that ends with the run.
 */
export default async function setup(
  project: TestProject,
): Promise<(() => Promise<void>) | undefined> {
  const existing = process.env.TEST_MYSQL_URL;
  if (existing) {
    project.provide('mysqlUrl', existing);
    return undefined;
  }
  const server = await startMysqlServer();
  project.provide('mysqlUrl', server.url);
  return () => server.stop();
}
