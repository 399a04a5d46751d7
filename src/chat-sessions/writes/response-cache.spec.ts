import { describe, expect, it } from 'vitest';
import type { Database } from '../../database/database.js';
import { StoreUnavailableError } from '../../database/errors.js';
import { type ChatSessionsOptions, ChatSessionsSettings } from '../options.js';
import { ResponseCache } from './response-cache.js';

const OWNER = 'alice';
const ID = '019ae1c4-7d5e-7c3a-9f10-3b1f6f0c2a55';
const KEY = { ownerId: OWNER, id: ID };

function cacheOf(options: Partial<ChatSessionsOptions>, isEmbedded = false) {
  const settings = new ChatSessionsSettings({
    owner: () => OWNER,
    cache: 'exclusive',
    cacheMaxMb: 1,
    ...options,
  });
  const database = { isEmbedded, othersWrites: () => 0 } as Database;
  return new ResponseCache(settings, database);
}

function responses(etag: string, body = etag, messages = 50) {
  return { etag, bodies: new Map([[messages, Buffer.from(body)]]) };
}

/** Does what an undisturbed read does. */
function remember(
  cache: ResponseCache,
  id: string,
  body: string,
  messages = 50,
) {
  const cached = cache.begin({ ownerId: OWNER, id });
  cache.complete(
    { ownerId: OWNER, id },
    cached,
    responses('"1-1"', body, messages),
  );
}

function bodyIn(cache: ResponseCache, id = ID, owner = OWNER) {
  return cache.begin({ ownerId: owner, id }).bodies.get(50)?.toString();
}

describe('ResponseCache', () => {
  it('keeps what was read', () => {
    const cache = cacheOf({});
    remember(cache, ID, 'A');
    expect(bodyIn(cache)).toBe('A');
    expect(cache.begin(KEY).etag).toBe('"1-1"');
  });

  it('keeps the responses of one version with different numbers of messages', () => {
    const cache = cacheOf({});
    remember(cache, ID, 'fifty', 50);
    remember(cache, ID, 'ten', 10);
    expect(bodyIn(cache)).toBe('fifty');
    const cached = cache.begin(KEY);
    expect(cached.bodies.get(10)?.toString()).toBe('ten');
    cache.complete(KEY, cached, responses('"1-2"', 'of another version', 10));
    expect(bodyIn(cache)).toBeUndefined();
  });

  it('does not share between owners', () => {
    const cache = cacheOf({});
    remember(cache, ID, 'A');
    expect(bodyIn(cache, ID, 'bob')).toBeUndefined();
  });

  it('is empty once a write has ended', async () => {
    const cache = cacheOf({});
    remember(cache, ID, 'A');
    await cache.invalidateAround(KEY, async () => undefined);
    expect(bodyIn(cache)).toBeUndefined();
    expect(cache.isCurrent(KEY)).toBe(true);
  });

  it('does not keep a read that began before a write and ended after it', async () => {
    const cache = cacheOf({});
    const cached = cache.begin(KEY);
    await cache.invalidateAround(KEY, async () => undefined);
    cache.complete(KEY, cached, responses('"1-1"'));
    expect(bodyIn(cache)).toBeUndefined();
  });

  it('does not keep it either if a later read has begun meanwhile', async () => {
    const cache = cacheOf({});
    const before = cache.begin(KEY);
    await cache.invalidateAround(KEY, async () => undefined);
    const after = cache.begin(KEY);
    cache.complete(KEY, before, responses('"1-1"', 'old'));
    cache.complete(KEY, after, responses('"1-2"', 'new'));
    expect(bodyIn(cache)).toBe('new');
  });

  it('is not current until the last of several writes has ended', async () => {
    const cache = cacheOf({});
    let endFirst = () => {};
    let endSecond = () => {};
    const first = cache.invalidateAround(
      KEY,
      () => new Promise<void>((resolve) => (endFirst = resolve)),
    );
    const second = cache.invalidateAround(
      KEY,
      () => new Promise<void>((resolve) => (endSecond = resolve)),
    );
    expect(cache.isCurrent(KEY)).toBe(false);
    endFirst();
    await first;
    expect(cache.isCurrent(KEY)).toBe(false);
    endSecond();
    await second;
    expect(cache.isCurrent(KEY)).toBe(true);
  });

  it('is never current again after a write of unknown outcome, which may still be committed', async () => {
    const cache = cacheOf({});
    remember(cache, ID, 'A');
    const failure = new StoreUnavailableError('outcome_unknown');
    await expect(
      cache.invalidateAround(KEY, () => Promise.reject(failure)),
    ).rejects.toBe(failure);
    expect(bodyIn(cache)).toBeUndefined();
    await cache.invalidateAround(KEY, async () => undefined);
    expect(cache.isCurrent(KEY)).toBe(false);
  });

  it('is current again after a write that failed', async () => {
    const cache = cacheOf({});
    const failure = new StoreUnavailableError('store_timeout');
    await expect(
      cache.invalidateAround(KEY, () => Promise.reject(failure)),
    ).rejects.toBe(failure);
    expect(cache.isCurrent(KEY)).toBe(true);
  });

  it('keeps few responses of one session, so that the others stay', () => {
    const cache = cacheOf({});
    remember(cache, 'another', 'B');
    for (let messages = 0; messages <= 200; messages++) {
      remember(cache, ID, 'x'.repeat(20_000), messages);
    }
    expect(bodyIn(cache, 'another')).toBe('B');
    expect(cache.begin(KEY).bodies.size).toBeLessThanOrEqual(4);
  });

  it('holds no more than CACHE_MAX_MB, and drops the least recently used', () => {
    const cache = cacheOf({ cacheMaxMb: 1 });
    const body = 'x'.repeat(100_000);
    const ids = Array.from({ length: 20 }, (_, index) => `session ${index}`);
    for (const id of ids) remember(cache, id, body);
    const kept = ids.filter((id) => bodyIn(cache, id) !== undefined);
    expect(kept).toEqual(ids.slice(-10));
  });

  it('does not keep a response larger than that', () => {
    const cache = cacheOf({ cacheMaxMb: 1 });
    remember(cache, ID, 'x'.repeat(1_200_000));
    expect(bodyIn(cache)).toBeUndefined();
  });

  it('keeps nothing if it is off', () => {
    const cache = cacheOf({ cache: 'off' });
    remember(cache, ID, 'A');
    expect(bodyIn(cache)).toBeUndefined();
    expect(cache.isCurrent(KEY)).toBe(false);
  });

  it('is exclusive by default on the embedded store only', () => {
    expect(cacheOf({ cache: undefined }, true).isCurrent(KEY)).toBe(true);
    expect(cacheOf({ cache: undefined }, false).isCurrent(KEY)).toBe(false);
    expect(cacheOf({ cache: 'validated' }, true).isCurrent(KEY)).toBe(false);
  });
});
