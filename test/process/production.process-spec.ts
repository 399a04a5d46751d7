import { expect, it, onTestFinished } from 'vitest';
import { installForProduction } from '../support/embedding/applications.js';
import { NodeProcess, startProd } from '../support/service-process.js';
import { temporaryDirectory } from '../support/temporary-directory.js';

it('runs without the packages of its development', async () => {
  const directory = temporaryDirectory();
  await installForProduction(directory);
  const command = startProd(directory);
  const service = new NodeProcess(command, { PORT: '0' }, directory);
  onTestFinished(async () => {
    await service.stop();
  });
  const [, url] = await service.waitFor(/Listening on (http:[^\s;"]+)/);
  for (const path of ['/health/ready', '/api/docs', '/api/history']) {
    expect((await fetch(url + path)).status, path).toBe(200);
  }
}, 300_000);
