import type { JWTPayload } from 'jose';
import {
  createHmac,
  createPublicKey,
  createSecretKey,
  generateKeyPairSync,
  type KeyObject,
  randomBytes,
} from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, describe, expect, it } from 'vitest';
import { errorBody } from '../support/api.js';
import { exchange } from '../support/exchange.js';
import { type TestApp, useTestApp } from '../support/test-app.js';
import { as, JWT_MODE, JWT_SECRET, signToken } from '../support/tokens.js';

const NOT_BEARER = 'The Authorization header is not a Bearer token';
const NOT_VALID = 'The access token is not valid';
const EXPIRED = 'The access token has expired';
const NOT_AN_ID = 'The claim sub is not an id';

const ISSUER = 'https://issuer.example';
const AUDIENCE = 'chat';
const HEADER_OF_JWKS = { alg: 'RS256', kid: 'key-1' };

const secret = createSecretKey(JWT_SECRET, 'utf8');
const strangersSecret = createSecretKey(randomBytes(32));
const issuersKey = newKey();
const strangersKey = newKey();
const issuersPublicKey = createPublicKey(issuersKey);
const PEM = issuersPublicKey.export({ type: 'spki', format: 'pem' }).toString();

const fetched: (string | undefined)[] = [];
const keyServer = createServer((request, response) => {
  fetched.push(request.url);
  const key = request.url === '/issuer' ? issuersKey : strangersKey;
  const jwk = { ...publicJwkOf(key), kid: HEADER_OF_JWKS.kid };
  response.end(JSON.stringify({ keys: [jwk] }));
});
await new Promise<void>((resolve) => {
  keyServer.listen(0, '127.0.0.1', resolve);
});
const keysUrl = `http://127.0.0.1:${(keyServer.address() as AddressInfo).port}`;
afterAll(() => keyServer.close());

const withSecret = useTestApp({ environment: JWT_MODE });
const withPublicKey = useTestApp({
  environment: { ...JWT_MODE, JWT_SECRET: '', JWT_PUBLIC_KEY: PEM },
});
const withJwks = useTestApp({
  environment: {
    ...JWT_MODE,
    JWT_SECRET: '',
    JWT_JWKS_URL: `${keysUrl}/issuer`,
  },
});
const withIssuer = useTestApp({
  environment: { ...JWT_MODE, JWT_ISSUER: ISSUER, JWT_AUDIENCE: AUDIENCE },
});

const withLeeway = useTestApp({
  environment: { ...JWT_MODE, JWT_LEEWAY: '60' },
});

function newKey(): KeyObject {
  return generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;
}

/** The public part of a key as a JWK; a secret itself. */
function publicJwkOf(key: KeyObject) {
  const published = key.type === 'private' ? createPublicKey(key) : key;
  return published.export({ format: 'jwk' });
}

function history(api: TestApp, token: string) {
  const authorization = `Bearer ${token}`;
  return api.send('GET', '/api/history', undefined, { authorization });
}

async function expectRefused(
  response: ReturnType<TestApp['send']>,
  error: string,
  challenge = 'Bearer error="invalid_token"',
) {
  const { status, body, headers } = await response;
  expect(status).toBe(401);
  expect(body).toEqual(errorBody(error));
  expect(headers['www-authenticate']).toBe(challenge);
}

function encode(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}

const secondsFromNow = (seconds: number) =>
  Math.floor(Date.now() / 1000) + seconds;

/** A token with a valid signature and any header. jose refuses to sign some of them. */
function forgedToken(header: object): string {
  const claims = { sub: 'alice', exp: secondsFromNow(60) };
  const signed = `${encode(header)}.${encode(claims)}`;
  const signature = createHmac('sha256', JWT_SECRET).update(signed);
  return `${signed}.${signature.digest('base64url')}`;
}

describe('401 without a token in the Authorization header', () => {
  it.each([
    ['no token', '', undefined],
    ['in the query: access_token', '?access_token=', undefined],
    ['in the query: token', '?token=', undefined],
    ['in the query: authorization', '?authorization=Bearer%20', undefined],
    ['in a cookie', '', 'cookie'],
    ['in X-Access-Token', '', 'x-access-token'],
  ])('%s', async (_, query, header) => {
    const token = await signToken({ sub: 'alice' });
    const url = `/api/history${query && query + token}`;
    const headers = header ? { [header]: token } : {};
    await expectRefused(
      withSecret.send('GET', url, undefined, headers),
      'No access token',
      'Bearer',
    );
  });

  it.each([
    ['Basic', () => `Basic ${btoa('alice:secret')}`],
    ['Basic with a token', (token: string) => `Basic ${token}`],
    ['Bearer without a token', () => 'Bearer'],
    ['a token without Bearer', (token: string) => token],
    [
      'two tokens in one header',
      (token: string) => `Bearer ${token}, Bearer ${token}`,
    ],
  ])('%s', async (_, headerWith) => {
    const authorization = headerWith(await signToken({ sub: 'alice' }));
    await expectRefused(
      withSecret.send('GET', '/api/history', undefined, { authorization }),
      NOT_BEARER,
    );
  });

  it('two valid Authorization headers', async () => {
    const url = new URL(await withSecret.listen());
    const { authorization } = await as('alice');
    const response = await exchange(
      url,
      'GET /api/history HTTP/1.1\r\nHost: x\r\nConnection: close\r\n' +
        `Authorization: ${authorization}\r\n`.repeat(2) +
        '\r\n',
    );
    expect(response.status).toBe('HTTP/1.1 401 Unauthorized');
    expect(response.body).toEqual(errorBody(NOT_BEARER));
    expect(response.head).toContain(
      'www-authenticate: bearer error="invalid_token"',
    );
  });
});

describe.each<[string, TestApp, { alg: string }, KeyObject, KeyObject]>([
  ['JWT_SECRET', withSecret, { alg: 'HS256' }, secret, strangersSecret],
  ['JWT_PUBLIC_KEY', withPublicKey, { alg: 'RS256' }, issuersKey, strangersKey],
  ['JWT_JWKS_URL', withJwks, HEADER_OF_JWKS, issuersKey, strangersKey],
])('401 with %s: a forged token', (_, api, header, key, wrongKey) => {
  it('not with the right key', async () => {
    const token = await signToken({ sub: 'alice' }, key, header);
    expect((await history(api, token)).status).toBe(200);
  });

  it.each(['none', 'None', 'nOnE', 'NONE'])('alg %s', async (alg) => {
    const claims = { sub: 'alice', exp: secondsFromNow(60) };
    const unsigned = `${encode({ ...header, alg })}.${encode(claims)}.`;
    await expectRefused(history(api, unsigned), NOT_BEARER);
    await expectRefused(history(api, `${unsigned}AA`), NOT_VALID);
    const good = await signToken(claims, key, header);
    const signature = good.split('.')[2];
    await expectRefused(history(api, unsigned + signature), NOT_VALID);
  });

  it('the wrong key', async () => {
    const token = await signToken({ sub: 'alice' }, wrongKey, header);
    await expectRefused(history(api, token), NOT_VALID);
  });

  it.each([
    ['jwk', publicJwkOf(wrongKey)],
    ['jku', `${keysUrl}/stranger`],
    ['x5u', `${keysUrl}/stranger`],
  ])('an embedded %s, which is not fetched', async (parameter, value) => {
    const embedded = { ...header, [parameter]: value };
    const token = await signToken({ sub: 'alice' }, wrongKey, embedded);
    await expectRefused(history(api, token), NOT_VALID);
    expect(fetched.filter((path) => path !== '/issuer')).toEqual([]);
  });
});

describe.each([
  ['JWT_PUBLIC_KEY', withPublicKey],
  ['JWT_JWKS_URL', withJwks],
])('401 with %s: HS256 signed with the public key', (_, api) => {
  it.each([
    ['in PEM', PEM],
    ['in PEM without the line break at its end', PEM.trimEnd()],
    ['in DER', issuersPublicKey.export({ type: 'spki', format: 'der' })],
    ['as JWK', JSON.stringify(publicJwkOf(issuersKey))],
  ])('%s', async (_form, publicKey) => {
    const header = { ...HEADER_OF_JWKS, alg: 'HS256' };
    const key = Buffer.from(publicKey);
    const token = await signToken({ sub: 'alice' }, key, header);
    await expectRefused(history(api, token), NOT_VALID);
  });
});

describe('401 with JWT_JWKS_URL', () => {
  it.each(['unknown', '', '../issuer'])('unknown kid: %j', async (kid) => {
    const header = { alg: 'RS256', kid };
    const token = await signToken({ sub: 'alice' }, issuersKey, header);
    await expectRefused(history(withJwks, token), NOT_VALID);
  });
});

describe('401 with the right key and wrong claims', () => {
  it.each<[string, () => JWTPayload, string]>([
    ['expired', () => ({ exp: secondsFromNow(-6) }), EXPIRED],
    ['not yet valid', () => ({ nbf: secondsFromNow(60) }), NOT_VALID],
    ['no exp', () => ({ exp: undefined }), NOT_VALID],
    [
      'exp that is no number',
      () => ({ exp: '9999999999' as never }),
      NOT_VALID,
    ],
    ['no sub', () => ({ sub: undefined }), NOT_VALID],
  ])('%s', async (_, claims, error) => {
    const token = await signToken({ sub: 'alice', ...claims() });
    await expectRefused(history(withSecret, token), error);
  });

  it.each([
    ['blank', ' '],
    ['empty', ''],
    ['a space at its end', 'alice '],
    ['a space at its start', ' alice'],
    ['a no-break space at its end', 'alice\u00a0'],
    ['a line break at its end', 'alice\n'],
    ['NUL', 'alice\0'],
    ['a control character', 'al\u0007ice'],
    ['a control character beyond ASCII', 'al\u0085ice'],
    ['a separator of lines', 'al\u2028ice'],
    ['half a surrogate pair', 'alice\ud83d'],
    ['192 characters', 'a'.repeat(192)],
    ['a number that is no integer', 7.5],
    ['null', null],
    ['an array', ['alice']],
  ])('sub is not an id: %s', async (_, sub) => {
    const token = await signToken({ sub: sub as string });
    await expectRefused(history(withSecret, token), NOT_AN_ID);
  });

  it.each([
    ['unknown crit', { crit: ['unheard-of'], 'unheard-of': true }],
    ['crit of a missing parameter', { crit: ['unheard-of'] }],
    ['crit of a parameter that cannot be critical', { crit: ['alg'] }],
    ['empty crit', { crit: [] }],
    ['crit b64', { crit: ['b64'], b64: false }],
  ])('%s', async (_, header) => {
    const token = forgedToken({ alg: 'HS256', ...header });
    await expectRefused(history(withSecret, token), NOT_VALID);
  });

  it('not without crit', async () => {
    const token = forgedToken({ alg: 'HS256' });
    expect((await history(withSecret, token)).status).toBe(200);
  });
});

describe('401 with JWT_ISSUER and JWT_AUDIENCE', () => {
  it.each([
    ['wrong iss', { iss: 'https://stranger.example', aud: AUDIENCE }],
    ['iss with a slash more', { iss: `${ISSUER}/`, aud: AUDIENCE }],
    ['no iss', { aud: AUDIENCE }],
    ['wrong aud', { iss: ISSUER, aud: 'other' }],
    ['aud of many, all wrong', { iss: ISSUER, aud: ['other', 'Chat'] }],
    ['no aud', { iss: ISSUER }],
  ])('%s', async (_, claims) => {
    const token = await signToken({ sub: 'alice', ...claims });
    await expectRefused(history(withIssuer, token), NOT_VALID);
  });

  it.each([[AUDIENCE], [['other', AUDIENCE]]])(
    'not with the right ones: aud %j',
    async (aud) => {
      const token = await signToken({ sub: 'alice', iss: ISSUER, aud });
      expect((await history(withIssuer, token)).status).toBe(200);
    },
  );
});

it('JWT_LEEWAY allows for clocks that differ', async () => {
  const token = (seconds: number) =>
    signToken({ sub: 'alice', exp: secondsFromNow(seconds) });
  expect((await history(withLeeway, await token(-30))).status).toBe(200);
  await expectRefused(history(withLeeway, await token(-90)), EXPIRED);
});
