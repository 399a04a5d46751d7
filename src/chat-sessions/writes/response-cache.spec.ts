import { describe, expect, it } from 'vitest';
import type { Database } from '../../database/database.js';
import { StoreUnavailableError } from '../../database/errors.js';
import { AnswerCache } from './response-cache.js';
import { type ChatSessionsOptions, ChatSessionsSettings } from '../options.js';

const OWNER = 'alice';
const ID = '019ae1c4-7d5e-7c3a-9f10-3b1f6f0c2a55';

function cacheOf(options: Partial<ChatSessionsOptions>, isEmbedded = false) {
  const settings = new ChatSessionsSettings({
    owner: () => OWNER,
    cache: 'exclusive',
    cacheMaxMb: 1,
    ...options,
  });
  const database = { isEmbedded, othersWrites: () => 0 } as Database;
  return new AnswerCache(settings, database);
}

function answers(etag: string, body = etag, messages = 50) {
  return { etag, bodies: new Map([[messages, Buffer.from(body)]]) };
}

/** As a read does that nothing disturbs. */
function remember(cache: AnswerCache, id: string, body: string, messages = 50) {
  const known = cache.open(OWNER, id);
  cache.fill(OWNER, id, known, answers('"1-1"', body, messages));
}

function bodyIn(cache: AnswerCache, id = ID, owner = OWNER) {
  return cache.open(owner, id).bodies.get(50)?.toString();
}

describe('AnswerCache', () => {
  it('keeps what was read', () => {
    const cache = cacheOf({});
    remember(cache, ID, 'A');
    expect(bodyIn(cache)).toBe('A');
    expect(cache.open(OWNER, ID).etag).toBe('"1-1"');
  });

  it('keeps the answers of one version with different numbers of messages', () => {
    const cache = cacheOf({});
    remember(cache, ID, 'fifty', 50);
    remember(cache, ID, 'ten', 10);
    expect(bodyIn(cache)).toBe('fifty');
    const known = cache.open(OWNER, ID);
    expect(known.bodies.get(10)?.toString()).toBe('ten');
    cache.fill(OWNER, ID, known, answers('"1-2"', 'of another version', 10));
    expect(bodyIn(cache)).toBeUndefined();
  });

  it('knows nothing of the sessions of another owner', () => {
    const cache = cacheOf({});
    remember(cache, ID, 'A');
    expect(bodyIn(cache, ID, 'bob')).toBeUndefined();
  });

  it('forgets at a write, before it is answered', async () => {
    const cache = cacheOf({});
    remember(cache, ID, 'A');
    await cache.writing(OWNER, ID, async () => undefined);
    expect(bodyIn(cache)).toBeUndefined();
    expect(cache.isCertain(OWNER, ID)).toBe(true);
  });

  it('is not filled by a read that began before a write and ended after it', async () => {
    const cache = cacheOf({});
    const known = cache.open(OWNER, ID);
    await cache.writing(OWNER, ID, async () => undefined);
    cache.fill(OWNER, ID, known, answers('"1-1"'));
    expect(bodyIn(cache)).toBeUndefined();
  });

  it('is not filled by it either where a later read began meanwhile', async () => {
    const cache = cacheOf({});
    const before = cache.open(OWNER, ID);
    await cache.writing(OWNER, ID, async () => undefined);
    const after = cache.open(OWNER, ID);
    cache.fill(OWNER, ID, before, answers('"1-1"', 'old'));
    cache.fill(OWNER, ID, after, answers('"1-2"', 'new'));
    expect(bodyIn(cache)).toBe('new');
  });

  it('is certain of nothing while a write is under way, the last of several included', async () => {
    const cache = cacheOf({});
    let endFirst = () => {};
    let endSecond = () => {};
    const first = cache.writing(
      OWNER,
      ID,
      () => new Promise<void>((resolve) => (endFirst = resolve)),
    );
    const second = cache.writing(
      OWNER,
      ID,
      () => new Promise<void>((resolve) => (endSecond = resolve)),
    );
    expect(cache.isCertain(OWNER, ID)).toBe(false);
    endFirst();
    await first;
    expect(cache.isCertain(OWNER, ID)).toBe(false);
    endSecond();
    await second;
    expect(cache.isCertain(OWNER, ID)).toBe(true);
  });

  it('is never certain again after a write of unknown outcome, which may yet come about', async () => {
    const cache = cacheOf({});
    remember(cache, ID, 'A');
    const failure = new StoreUnavailableError('outcome_unknown');
    await expect(
      cache.writing(OWNER, ID, () => Promise.reject(failure)),
    ).rejects.toBe(failure);
    expect(bodyIn(cache)).toBeUndefined();
    await cache.writing(OWNER, ID, async () => undefined);
    expect(cache.isCertain(OWNER, ID)).toBe(false);
  });

  it('is certain again after a write that failed', async () => {
    const cache = cacheOf({});
    const failure = new StoreUnavailableError('store_timeout');
    await expect(
      cache.writing(OWNER, ID, () => Promise.reject(failure)),
    ).rejects.toBe(failure);
    expect(cache.isCertain(OWNER, ID)).toBe(true);
  });

  it('keeps few answers of one session, so that it does not push out the others', () => {
    const cache = cacheOf({});
    remember(cache, 'another', 'B');
    for (let messages = 0; messages <= 200; messages++) {
      remember(cache, ID, 'x'.repeat(20_000), messages);
    }
    expect(bodyIn(cache, 'another')).toBe('B');
    expect(cache.open(OWNER, ID).bodies.size).toBeLessThanOrEqual(4);
  });

  it('holds no more than CACHE_MAX_MB, and forgets what was used longest ago', () => {
    const cache = cacheOf({ cacheMaxMb: 1 });
    const body = 'x'.repeat(100_000);
    const ids = Array.from({ length: 20 }, (_, index) => `session ${index}`);
    for (const id of ids) remember(cache, id, body);
    const kept = ids.filter((id) => bodyIn(cache, id) !== undefined);
    expect(kept).toEqual(ids.slice(-10));
  });

  it('does not keep what is larger than that', () => {
    const cache = cacheOf({ cacheMaxMb: 1 });
    remember(cache, ID, 'x'.repeat(1_200_000));
    expect(bodyIn(cache)).toBeUndefined();
  });

  it('is empty where it is off', () => {
    const cache = cacheOf({ cache: 'off' });
    remember(cache, ID, 'A');
    expect(bodyIn(cache)).toBeUndefined();
    expect(cache.isCertain(OWNER, ID)).toBe(false);
  });

  it('is by default exclusive on the embedded store alone', () => {
    expect(cacheOf({ cache: undefined }, true).isCertain(OWNER, ID)).toBe(true);
    expect(cacheOf({ cache: undefined }, false).isCertain(OWNER, ID)).toBe(
      false,
    );
    expect(cacheOf({ cache: 'validated' }, true).isCertain(OWNER, ID)).toBe(
      false,
    );
  });
});
