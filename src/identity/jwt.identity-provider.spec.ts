import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { JWT_SECRET, signToken } from '../../test/support/tokens.js';
import type { IdentityProvider } from './identity-provider.js';
import { JwtIdentityProvider } from './jwt.identity-provider.js';

/** Resolves to the owner of a request with this token. */
async function ownerOf(provider: IdentityProvider, token: string) {
  const rawHeaders = ['Authorization', `Bearer ${token}`];
  return provider.identify({ rawHeaders } as IncomingMessage);
}

function pemOf(key: KeyObject): string {
  return key.export({ type: 'spki', format: 'pem' }).toString();
}

afterEach(() => {
  vi.useRealTimers();
});

describe('withPublicKey', () => {
  const pairs = {
    RS256: generateKeyPairSync('rsa', { modulusLength: 2048 }),
    ES256: generateKeyPairSync('ec', { namedCurve: 'P-256' }),
    EdDSA: generateKeyPairSync('ed25519'),
  };

  it.each(Object.entries(pairs))(
    'accepts %s and no other algorithm',
    async (alg, { publicKey, privateKey }) => {
      const provider = JwtIdentityProvider.withPublicKey(pemOf(publicKey));
      const token = await signToken({ sub: 'alice' }, privateKey, { alg });
      expect(await ownerOf(provider, token)).toBe('alice');
      for (const [other, pair] of Object.entries(pairs)) {
        if (other === alg) continue;
        const foreign = await signToken({ sub: 'alice' }, pair.privateKey, {
          alg: other,
        });
        await expect(ownerOf(provider, foreign)).rejects.toMatchObject({
          message: 'The access token is not valid',
          headers: { 'WWW-Authenticate': 'Bearer error="invalid_token"' },
        });
      }
    },
  );

  it('accepts only RS256 for an RSA key, which PS256 and RS512 could use too', async () => {
    const { publicKey, privateKey } = pairs.RS256;
    const provider = JwtIdentityProvider.withPublicKey(pemOf(publicKey));
    for (const alg of ['PS256', 'RS384', 'RS512']) {
      const token = await signToken({ sub: 'alice' }, privateKey, { alg });
      await expect(ownerOf(provider, token)).rejects.toThrow('not valid');
    }
  });
});

describe('the claims of a token', () => {
  it('name the owner in `ownerClaim`', async () => {
    const provider = JwtIdentityProvider.withSecret(JWT_SECRET, {
      ownerClaim: 'email',
    });
    const claims = { sub: '1', email: 'alice@example.com' };
    expect(await ownerOf(provider, await signToken(claims))).toBe(
      'alice@example.com',
    );
    await expect(
      ownerOf(provider, await signToken({ sub: '1' })),
    ).rejects.toThrow('The claim email is not an id');
    await expect(
      ownerOf(provider, await signToken({ email: 'alice' })),
    ).rejects.toThrow('not valid');
  });

  it('may contain other audiences too', async () => {
    const provider = JwtIdentityProvider.withSecret(JWT_SECRET, {
      audience: 'chat',
    });
    const token = await signToken({ sub: 'alice', aud: ['mail', 'chat'] });
    expect(await ownerOf(provider, token)).toBe('alice');
  });
});

describe('a verified token', () => {
  const forged = (token: string) =>
    `${token.split('.').slice(0, 2).join('.')}.${'A'.repeat(43)}`;

  it('is remembered, but does not vouch for a forged one', async () => {
    const provider = JwtIdentityProvider.withSecret(JWT_SECRET);
    const token = await signToken({ sub: 'alice' });
    await ownerOf(provider, token);
    // The result is no promise, so the token was not verified again.
    const rawHeaders = ['authorization', `bearer ${token}`];
    expect(provider.identify({ rawHeaders } as IncomingMessage)).toBe('alice');
    await expect(ownerOf(provider, forged(token))).rejects.toThrow('not valid');
  });

  it('is verified again after a minute', async () => {
    vi.useFakeTimers({ toFake: ['Date'] });
    const provider = JwtIdentityProvider.withSecret(JWT_SECRET);
    const rawHeaders = [
      'Authorization',
      `Bearer ${await signToken({ sub: 'alice' })}`,
    ];
    const identify = () => provider.identify({ rawHeaders } as IncomingMessage);
    expect(identify()).toBeInstanceOf(Promise);
    await identify();
    vi.advanceTimersByTime(59_999);
    expect(identify()).toBe('alice');
    vi.advanceTimersByTime(2);
    expect(identify()).toBeInstanceOf(Promise);
  });

  it('may be valid a little later by the clock of the issuer', async () => {
    vi.useFakeTimers({ toFake: ['Date'] });
    const nbf = Math.floor(Date.now() / 1000) + 3;
    const token = await signToken({ sub: 'alice', nbf });
    const lenient = JwtIdentityProvider.withSecret(JWT_SECRET);
    expect(await ownerOf(lenient, token)).toBe('alice');
    const strict = JwtIdentityProvider.withSecret(JWT_SECRET, { leeway: 0 });
    await expect(ownerOf(strict, token)).rejects.toThrow('not valid');
  });

  it.each([
    [42, '42'],
    [Number.MAX_SAFE_INTEGER, '9007199254740991'],
  ])('may name its owner by the integer %s', async (user_id, owner) => {
    const rules = { ownerClaim: 'user_id' };
    const provider = JwtIdentityProvider.withSecret(JWT_SECRET, rules);
    const token = await signToken({ sub: 'alice', user_id });
    expect(await ownerOf(provider, token)).toBe(owner);
  });

  it.each([1.5, 2 ** 53, true, null])(
    'may not name its owner by %s',
    async (user_id) => {
      const rules = { ownerClaim: 'user_id' };
      const provider = JwtIdentityProvider.withSecret(JWT_SECRET, rules);
      const token = await signToken({ sub: 'alice', user_id });
      await expect(ownerOf(provider, token)).rejects.toThrow('is not an id');
    },
  );

  it('is not remembered after it expires', async () => {
    vi.useFakeTimers({ toFake: ['Date'] });
    const provider = JwtIdentityProvider.withSecret(JWT_SECRET);
    const exp = Math.floor(Date.now() / 1000) + 10;
    const token = await signToken({ sub: 'alice', exp });
    expect(await ownerOf(provider, token)).toBe('alice');
    vi.advanceTimersByTime(14_000);
    // Within the leeway of 5 s.
    expect(await ownerOf(provider, token)).toBe('alice');
    vi.advanceTimersByTime(2_000);
    await expect(ownerOf(provider, token)).rejects.toThrow(
      'The access token has expired',
    );
  });
});

describe('withSecret', () => {
  it('refuses a secret shorter than the hash', () => {
    expect(() => JwtIdentityProvider.withSecret('x'.repeat(31))).toThrow(
      'A secret has at least 32 bytes',
    );
  });
});
