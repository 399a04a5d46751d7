import { NestFactory } from '@nestjs/core';
import { expect, it, onTestFinished } from 'vitest';
import { MemoryStorage } from './memory.storage.js';
import { RateLimitGuard } from './rate-limit.guard.js';
import { RateLimitModule } from './rate-limit.module.js';

/** One of several instances, which count in the same storage. */
async function instance(storage: MemoryStorage): Promise<RateLimitGuard> {
  const module = RateLimitModule.forRoot({
    reads: 2,
    writes: 1,
    owner: () => undefined,
    storage,
  });
  const app = await NestFactory.createApplicationContext(module, {
    logger: false,
  });
  onTestFinished(() => app.close());
  return app.get(RateLimitGuard);
}

it('counts in the storage that the application gives', async () => {
  const storage = new MemoryStorage();
  const [first, second] = [await instance(storage), await instance(storage)];
  expect(await first.countRead('alice')).toEqual({
    'x-ratelimit-limit': '2',
    'x-ratelimit-remaining': '1',
    'x-ratelimit-reset': '60',
  });
  expect(await second.countRead('alice')).toMatchObject({
    'x-ratelimit-remaining': '0',
  });
  expect(await first.countRead('alice')).toBeUndefined();
  expect(await first.countRead('bob')).toBeDefined();
});
