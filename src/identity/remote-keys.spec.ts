import { Logger } from '@nestjs/common';
import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  afterEach,
  beforeEach,
  describe,
  expect,
  it,
  type MockInstance,
  vi,
} from 'vitest';
import { signToken } from '../../test/support/tokens.js';
import {
  type IdentityProvider,
  IdentityUnavailableException,
  UnidentifiedException,
} from './identity-provider.js';
import { JwtIdentityProvider } from './jwt.identity-provider.js';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
/** Vitest waits for a second, in which a busy machine may do nothing. */
const LIMIT_MS = 60_000;

const pairs = new Map<string, { privateKey: KeyObject; publicKey: KeyObject }>([
  ['one', generateKeyPairSync('ec', { namedCurve: 'P-256' })],
  ['two', generateKeyPairSync('ec', { namedCurve: 'P-256' })],
]);

/** The issuer: the keys it publishes, how it responds, how often it was asked. */
let issuer: Server;
let published: object[];
let status: number;
let isSilent: boolean;
let fetches: number;
let provider: IdentityProvider;
let warn: MockInstance;

beforeEach(async () => {
  published = [jwkOf('one')];
  status = 200;
  isSilent = false;
  fetches = 0;
  issuer = createServer((_, response) => {
    fetches++;
    if (isSilent) return;
    response.writeHead(status).end(JSON.stringify({ keys: published }));
  }).listen(0, '127.0.0.1');
  await once(issuer, 'listening');
  const { port } = issuer.address() as AddressInfo;
  provider = JwtIdentityProvider.withKeySet(
    `http://127.0.0.1:${port}/jwks.json`,
  );
  vi.useFakeTimers({ toFake: ['Date'] });
  warn = vi.spyOn(Logger.prototype, 'warn').mockReturnValue(undefined);
});

afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
  issuer.closeAllConnections();
  issuer.close();
});

function jwkOf(kid: string): object {
  const jwk = pairs.get(kid)!.publicKey.export({ format: 'jwk' });
  return { ...jwk, kid, alg: 'ES256', use: 'sig' };
}

/** Sends a new token with this key id; resolves to the owner or the status of the error. */
async function ask(kid: string | undefined, key = kid ?? 'one') {
  const token = await signToken(
    { sub: 'alice', jti: String(Math.random()), exp: Date.now() / 1000 + 60 },
    pairs.get(key)?.privateKey ?? pairs.get('one')!.privateKey,
    { alg: 'ES256', kid },
  );
  const rawHeaders = ['Authorization', `Bearer ${token}`];
  try {
    return await provider.identify({ rawHeaders } as IncomingMessage);
  } catch (error) {
    if (error instanceof UnidentifiedException) return 401;
    if (error instanceof IdentityUnavailableException) return 503;
    throw error;
  }
}

describe('the key set of an issuer', () => {
  it('is fetched once for tokens that arrive together', async () => {
    const owners = await Promise.all(
      Array.from({ length: 20 }, () => ask('one')),
    );
    expect(owners).toEqual(Array(20).fill('alice'));
    expect(fetches).toBe(1);
  });

  it('verifies a token without a key id only while it has one key', async () => {
    expect(await ask(undefined)).toBe('alice');
    published = [jwkOf('one'), jwkOf('two')];
    vi.advanceTimersByTime(11 * MINUTE);
    await ask('one');
    await vi.waitFor(
      async () => expect(await ask('two')).toBe('alice'),
      LIMIT_MS,
    );
    expect(await ask(undefined)).toBe(401);
  });

  it('is fetched for a new key id, but at most once in 10 s', async () => {
    expect(await ask('one')).toBe('alice');
    for (let i = 0; i < 50; i++) expect(await ask(`unknown-${i}`)).toBe(401);
    expect(fetches).toBe(1);
    vi.advanceTimersByTime(10_001);
    published = [jwkOf('one'), jwkOf('two')];
    expect(await ask('two')).toBe('alice');
    for (let i = 0; i < 50; i++) expect(await ask(`unknown-${i}`)).toBe(401);
    expect(fetches).toBe(2);
  });

  it('is fetched at most once in 10 s while the issuer fails', async () => {
    status = 500;
    for (let i = 0; i < 20; i++) expect(await ask('one')).toBe(503);
    expect(fetches).toBe(1);
    vi.advanceTimersByTime(10_001);
    status = 200;
    expect(await ask('one')).toBe('alice');
    expect(fetches).toBe(2);
    expect(warn).toHaveBeenCalledTimes(1);
  });

  it('is waited for 1 s, not for the 5 s of jose', async () => {
    isSilent = true;
    const start = performance.now();
    const asked = ask('one');
    await vi.waitFor(() => expect(fetches).toBe(1), LIMIT_MS);
    // Timers of one process end in their order, however busy the machine is.
    const fourSeconds = sleep(4_000, 'four seconds', { ref: false });
    expect(await Promise.race([asked, fourSeconds])).toBe(503);
    expect(performance.now() - start).toBeGreaterThan(900);
  });

  it('stays valid for a day while the issuer is down', async () => {
    expect(await ask('one')).toBe('alice');
    status = 500;
    for (let hours = 0; hours < 23; hours++) {
      vi.advanceTimersByTime(HOUR);
      expect(await ask('one')).toBe('alice');
    }
    expect(await ask('two')).toBe(401);
    vi.advanceTimersByTime(2 * HOUR);
    expect(await ask('one')).toBe(503);
    vi.advanceTimersByTime(10_001);
    status = 200;
    expect(await ask('one')).toBe('alice');
  });

  it('is fetched again in the background, so that a withdrawn key ends', async () => {
    expect(await ask('one')).toBe('alice');
    published = [jwkOf('two')];
    vi.advanceTimersByTime(11 * MINUTE);
    expect(await ask('one')).toBe('alice');
    await vi.waitFor(() => expect(fetches).toBe(2), LIMIT_MS);
    await vi.waitFor(async () => expect(await ask('one')).toBe(401), LIMIT_MS);
  });

  it.each([
    ['a key of another id', 'one', 'two'],
    ['an unknown key', 'three', 'one'],
  ])('refuses %s', async (_, kid, key) => {
    expect(await ask(kid, key)).toBe(401);
  });

  it('does not verify with RSA keys below 2048 bits', async () => {
    const weak = generateKeyPairSync('rsa', { modulusLength: 1024 });
    const jwk = weak.publicKey.export({ format: 'jwk' });
    published = [{ ...jwk, kid: 'weak', alg: 'RS256' }];
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const token = await signToken({ sub: 'alice' }, privateKey, {
      alg: 'RS256',
      kid: 'weak',
    });
    const rawHeaders = ['Authorization', `Bearer ${token}`];
    await expect(
      provider.identify({ rawHeaders } as IncomingMessage),
    ).rejects.toBeInstanceOf(UnidentifiedException);
  });

  it.each([
    ['a response that is no key set', [] as object[], { keys: 'none' }],
    ['a broken key', [{ kty: 'EC', crv: 'P-256', kid: 'one' }], undefined],
  ])('does not crash on %s', async (_, keys, instead) => {
    published = (instead ?? keys) as object[];
    expect(await ask('one')).toBeOneOf([401, 503]);
  });
});
