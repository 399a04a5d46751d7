import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { JWT_SECRET, signToken } from '../../test/support/tokens.js';
import { parseConfig } from '../app/config/parse-config.js';
import { createIdentifier } from '../app/config/create-identity-provider.js';
import type { Identifier } from './identity-provider.js';
import { JwtIdentifier } from './jwt.identity-provider.js';

function identifierWith(environment: Record<string, string>): Identifier {
  return createIdentifier(parseConfig({ AUTH_MODE: 'jwt', ...environment }));
}

/** The owner of a request with this token. */
async function ownerOf(identifier: Identifier, token: string) {
  const rawHeaders = ['Authorization', `Bearer ${token}`];
  return identifier.identify({ rawHeaders } as IncomingMessage);
}

function pemOf(key: KeyObject): string {
  return key.export({ type: 'spki', format: 'pem' }).toString();
}

afterEach(() => {
  vi.useRealTimers();
});

describe('JWT_PUBLIC_KEY', () => {
  const pairs = {
    RS256: generateKeyPairSync('rsa', { modulusLength: 2048 }),
    ES256: generateKeyPairSync('ec', { namedCurve: 'P-256' }),
    EdDSA: generateKeyPairSync('ed25519'),
  };

  it.each(Object.entries(pairs))(
    'takes %s, and no other algorithm',
    async (alg, { publicKey, privateKey }) => {
      const identifier = identifierWith({ JWT_PUBLIC_KEY: pemOf(publicKey) });
      const token = await signToken({ sub: 'alice' }, privateKey, { alg });
      expect(await ownerOf(identifier, token)).toBe('alice');
      for (const [other, pair] of Object.entries(pairs)) {
        if (other === alg) continue;
        const foreign = await signToken({ sub: 'alice' }, pair.privateKey, {
          alg: other,
        });
        await expect(ownerOf(identifier, foreign)).rejects.toMatchObject({
          message: 'The access token is not valid',
          challenge: 'Bearer error="invalid_token"',
        });
      }
    },
  );

  it('takes RS256 only where the key could do PS256 and RS512 as well', async () => {
    const { publicKey, privateKey } = pairs.RS256;
    const identifier = identifierWith({ JWT_PUBLIC_KEY: pemOf(publicKey) });
    for (const alg of ['PS256', 'RS384', 'RS512']) {
      const token = await signToken({ sub: 'alice' }, privateKey, { alg });
      await expect(ownerOf(identifier, token)).rejects.toThrow('not valid');
    }
  });
});

describe('the claims of a token', () => {
  it('name the owner in JWT_OWNER_CLAIM', async () => {
    const identifier = identifierWith({ JWT_SECRET, JWT_OWNER_CLAIM: 'email' });
    const claims = { sub: '1', email: 'alice@example.com' };
    expect(await ownerOf(identifier, await signToken(claims))).toBe(
      'alice@example.com',
    );
    await expect(
      ownerOf(identifier, await signToken({ sub: '1' })),
    ).rejects.toThrow('The claim email is not an id');
    await expect(
      ownerOf(identifier, await signToken({ email: 'alice' })),
    ).rejects.toThrow('not valid');
  });

  it('may hold the audience among others', async () => {
    const identifier = identifierWith({ JWT_SECRET, JWT_AUDIENCE: 'chat' });
    const token = await signToken({ sub: 'alice', aud: ['mail', 'chat'] });
    expect(await ownerOf(identifier, token)).toBe('alice');
  });
});

describe('a token that was verified', () => {
  const forged = (token: string) =>
    `${token.split('.').slice(0, 2).join('.')}.${'A'.repeat(43)}`;

  it('is remembered, and no other for it', async () => {
    const identifier = identifierWith({ JWT_SECRET });
    const token = await signToken({ sub: 'alice' });
    await ownerOf(identifier, token);
    // Not a promise: it was not verified again.
    const rawHeaders = ['authorization', `bearer ${token}`];
    expect(identifier.identify({ rawHeaders } as IncomingMessage)).toBe(
      'alice',
    );
    await expect(ownerOf(identifier, forged(token))).rejects.toThrow(
      'not valid',
    );
  });

  it('is verified again after a minute', async () => {
    vi.useFakeTimers({ toFake: ['Date'] });
    const identifier = identifierWith({ JWT_SECRET });
    const rawHeaders = [
      'Authorization',
      `Bearer ${await signToken({ sub: 'alice' })}`,
    ];
    const identify = () =>
      identifier.identify({ rawHeaders } as IncomingMessage);
    expect(identify()).toBeInstanceOf(Promise);
    await identify();
    vi.advanceTimersByTime(59_999);
    expect(identify()).toBe('alice');
    vi.advanceTimersByTime(2);
    expect(identify()).toBeInstanceOf(Promise);
  });

  it('is not remembered for longer than it lives', async () => {
    vi.useFakeTimers({ toFake: ['Date'] });
    const identifier = identifierWith({ JWT_SECRET });
    const exp = Math.floor(Date.now() / 1000) + 10;
    const token = await signToken({ sub: 'alice', exp });
    expect(await ownerOf(identifier, token)).toBe('alice');
    vi.advanceTimersByTime(11_000);
    await expect(ownerOf(identifier, token)).rejects.toThrow(
      'The access token has expired',
    );
  });
});

describe('withSecret', () => {
  it('takes no secret that is shorter than its hash', () => {
    expect(() => JwtIdentifier.withSecret('x'.repeat(31))).toThrow(
      'A secret has at least 32 bytes',
    );
  });
});
