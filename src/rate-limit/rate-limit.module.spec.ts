import { Controller, Get } from '@nestjs/common';
import { APP_GUARD, NestFactory } from '@nestjs/core';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import type { ThrottlerStorage } from '@nestjs/throttler';
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

@Controller()
class ReadController {
  @Get()
  read(): string {
    return 'read';
  }
}

it.each([
  ['a year', 365 * 24 * 60 * 60, '60'],
  ['a time that has passed', -1, '0'],
])(
  'tells nobody to wait for longer than a minute if the storage says %s',
  async (_, seconds, expected) => {
    // The clock of this storage was set back, or is ahead of its data.
    const storage: ThrottlerStorage = {
      increment: (_key, _ttl, limit) =>
        Promise.resolve({
          totalHits: ++hits,
          timeToExpire: seconds,
          isBlocked: hits > limit,
          timeToBlockExpire: seconds,
        }),
    };
    let hits = 0;
    const limits = { reads: 2, writes: 0, owner: () => 'alice', storage };
    const module = {
      module: class Platform {},
      imports: [RateLimitModule.forRoot(limits)],
      controllers: [ReadController],
      providers: [{ provide: APP_GUARD, useExisting: RateLimitGuard }],
    };
    const adapter = new FastifyAdapter();
    const app = await NestFactory.create(module, adapter, { logger: false });
    onTestFinished(() => app.close());
    await app.init();
    const server = adapter.getInstance();
    await server.ready();

    const early = await app.get(RateLimitGuard).countRead('alice');
    expect(early).toMatchObject({ 'x-ratelimit-reset': expected });
    const read = await server.inject('/');
    expect(read.statusCode).toBe(200);
    expect(read.headers['x-ratelimit-reset']).toBe(expected);
    const refused = await server.inject('/');
    expect(refused.statusCode).toBe(429);
    expect(refused.headers['retry-after']).toBe(expected);
  },
);
