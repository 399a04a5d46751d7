import { generateKeyPairSync } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseEnv } from 'node:util';
import { describe, expect, it } from 'vitest';
import { temporaryDirectory } from '../../../test/support/temporary-directory.js';
import { Config } from './config.js';
import { InvalidConfigError } from './invalid-config.error.js';
import { parseConfig, parseDatabaseConfig } from './parse-config.js';

function problemsIn(environment: NodeJS.ProcessEnv): string[] {
  try {
    parseConfig(environment);
  } catch (error) {
    if (error instanceof InvalidConfigError) return error.problems;
    throw error;
  }
  return [];
}

describe('parseConfig', () => {
  it('has defaults for everything, which .env.example shows', () => {
    const file = new URL('../../../.env.example', import.meta.url);
    const example = parseEnv(readFileSync(file, 'utf8'));
    expect(Object.keys(example).toSorted()).toEqual(
      Object.keys(new Config()).toSorted(),
    );
    expect(parseConfig(example)).toEqual(parseConfig({}));
  });

  it('reads numbers and booleans from the environment', () => {
    const given = {
      PORT: '0',
      HOST: '::',
      AUTH_MODE: 'none',
      DATABASE_URL: 'mysql://chat:s%20ecret@db:3307/chat',
      DATABASE_MIGRATE: 'true',
      DATABASE_POOL_SIZE: '25',
      LOG_LEVEL: 'warn',
      BODY_LIMIT: '1024',
    };
    expect(parseConfig(given)).toMatchObject({
      ...given,
      PORT: 0,
      DATABASE_MIGRATE: true,
      DATABASE_POOL_SIZE: 25,
      BODY_LIMIT: 1024,
    });
  });

  it('treats an empty variable as not set and ignores unknown ones', () => {
    const config = parseConfig({ PORT: '', HOST: '', PATH: '/bin', port: 'x' });
    expect(config).toEqual(parseConfig({}));
  });

  it('returns a frozen object', () => {
    expect(parseConfig({})).toSatisfy(Object.isFrozen);
    expect(parseDatabaseConfig({})).toSatisfy(Object.isFrozen);
  });

  it('reports all problems at once, by name and without values', () => {
    const values = {
      PORT: '70000',
      HOST: '127.0.0.1',
      DATABASE_URL: 'postgres://chat:secret@db/chat',
      DATABASE_MIGRATE: 'maybe',
      DATABASE_POOL_SIZE: '-7',
      LOG_LEVEL: 'loud',
      BODY_LIMIT: '12MiB',
      AUTH_MODE: 'jwt',
      JWT_SECRET: 'too short a secret',
      IDENTITY_HEADER: 'User Id',
      TRUSTED_PROXIES: '10.0.0.0/33',
      RATE_LIMIT: 'many',
      CORS_ORIGINS: 'https://app.example.com/',
    };
    const problems = [
      'PORT must not be greater than 65535',
      'DATABASE_URL must be sqlite:PATH or mysql://user:password@host:port/database',
      'DATABASE_MIGRATE must be a boolean value',
      'DATABASE_POOL_SIZE must not be less than 1',
      'LOG_LEVEL must be one of the following values: fatal, error, warn, info, debug, verbose',
      'BODY_LIMIT must be an integer number',
      'JWT_SECRET must be at least 32 bytes long',
      'IDENTITY_HEADER must be the name of a header',
      'TRUSTED_PROXIES must be addresses and CIDR blocks, separated by commas',
      'RATE_LIMIT must be an integer number',
      'CORS_ORIGINS must be origins such as https://app.example.com, separated by commas',
    ];
    expect(problemsIn(values).toSorted()).toEqual(problems.toSorted());
    const { message } = new InvalidConfigError(problemsIn(values));
    for (const problem of problems) expect(message).toContain(problem);
    expect(message).not.toMatch(
      /70000|postgres|secret|maybe|-7|loud|12MiB|too short|User Id|10\.0|many/,
    );
  });

  it.each([
    ['PORT', ['-1', '65536', '1.5', '1e3', '0x10', ' 80', 'http']],
    ['DATABASE_MIGRATE', ['1', 'yes', 'TRUE', ' true']],
    ['DATABASE_POOL_SIZE', ['0', '1001', 'ten']],
    ['DATABASE_CONNECT_TIMEOUT_MS', ['99', '60001', '1s']],
    ['DATABASE_WAIT_MS', ['-1', '3600001', '1.5']],
    ['JWT_LEEWAY', ['-1', '301', '1.5', '5s']],
    ['LOG_LEVEL', ['WARN', 'silly']],
    ['BODY_LIMIT', ['1023', '67108865', '4MB']],
    ['IDEMPOTENCY_TTL', ['0', '-1', '1.5', '1d', '2592001']],
    ['REMOVAL_GRACE', ['-1', '1.5', '1d', '2592001']],
    ['CACHE', ['on', 'EXCLUSIVE']],
    ['CACHE_MAX_MB', ['0', '-1', '1.5', '65537']],
    ['DRAIN_MS', ['-1', '60001', '5s']],
    ['AUTH_MODE', ['JWT', 'oauth']],
    ['IDENTITY_HEADER', ['x:y', 'x y']],
    [
      'TRUSTED_PROXIES',
      ['10.0.0.0/', '10.0.0/8', '::/129', 'proxy', '10.0.0.1;10.0.0.2'],
    ],
    ['RATE_LIMIT', ['-1', '1.5']],
    ['RATE_LIMIT_WRITES', ['-1', 'none']],
    ['RATE_LIMIT_OUTPUTS', ['-1', 'none']],
    ['CORS_ORIGINS', ['*', 'app.example.com', 'https://a/b', 'null']],
    [
      'DATABASE_URL',
      [
        'sqlite',
        'sqlite:',
        'data.sqlite',
        'mysql:',
        'mysql://',
        'mysql://db',
        'mysql://db/',
        'mysql://db/a/b',
        'mysql:///chat',
        'mysql://db:70000/chat',
        'mysql://db1,/chat',
        'mysql://chat:p@ss@db/chat',
        'mysql://chat:p/ss@db/chat',
        'mysql://db/chat?password=pass',
        'http://db/chat',
      ],
    ],
  ])('reports a wrong %s in one line', (name, values) => {
    for (const value of values) {
      expect(problemsIn({ [name]: value })).toEqual([
        expect.stringMatching(`^${name} must `),
      ]);
    }
  });

  it.each([
    'sqlite:x',
    'sqlite::memory:',
    'sqlite:/var/lib/chat sessions.sqlite',
    'mysql://db/chat',
    'mysql://chat:p%40ss@db.example.com:3306/chat',
    'mysql://root@[::1]:3306/chat',
    'mysql://chat:secret@db1:3306,db2,[::1]:3307/chat',
  ])('accepts DATABASE_URL=%s', (url) => {
    expect(parseConfig({ DATABASE_URL: url }).DATABASE_URL).toBe(url);
  });
});

describe('AUTH_MODE', () => {
  const SECRET = { JWT_SECRET: 'x'.repeat(32) };
  const pemOf = (key: { export(format: object): string | Buffer }) =>
    key.export({ type: 'spki', format: 'pem' }).toString();
  const ES256 = pemOf(
    generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey,
  );

  it('may be left out if nobody else can reach the service', () => {
    for (const HOST of ['', '127.0.0.1', '127.1.2.3', 'localhost', '::1']) {
      expect(problemsIn({ HOST })).toEqual([]);
      expect(problemsIn({ HOST, NODE_ENV: 'development' })).toEqual([]);
    }
  });

  it.each([
    { HOST: '0.0.0.0' },
    { HOST: '::' },
    { HOST: '192.168.1.1' },
    { HOST: '127.example.com' },
    { NODE_ENV: 'production', DATABASE_URL: 'sqlite:chat.sqlite' },
    { HOST: '0.0.0.0', ...SECRET },
  ])('must be set with %j', (environment) => {
    expect(problemsIn(environment)).toEqual([
      'AUTH_MODE must be set: jwt, header, or none if everybody may see everything',
    ]);
    expect(problemsIn({ ...environment, AUTH_MODE: 'none' })).toEqual([]);
  });

  it('is not needed by a migration', () => {
    const DATABASE_URL = 'sqlite:chat.sqlite';
    expect(
      parseDatabaseConfig({ NODE_ENV: 'production', DATABASE_URL }),
    ).toMatchObject({ DATABASE_URL });
  });

  it('needs exactly one key with jwt', () => {
    const JWT_JWKS_URL = 'https://issuer.example.com/jwks.json';
    for (const keys of [{}, { ...SECRET, JWT_JWKS_URL }]) {
      expect(problemsIn({ AUTH_MODE: 'jwt', ...keys })).toEqual([
        'AUTH_MODE=jwt needs exactly one of JWT_SECRET, JWT_PUBLIC_KEY and JWT_JWKS_URL',
      ]);
    }
    for (const key of [
      SECRET,
      { JWT_SECRET: 'ä'.repeat(16) },
      { JWT_JWKS_URL },
      { JWT_PUBLIC_KEY: ES256 },
      { JWT_PUBLIC_KEY: ES256.replaceAll('\n', '\\n') },
    ]) {
      expect(problemsIn({ AUTH_MODE: 'jwt', ...key })).toEqual([]);
    }
  });

  it('reads the public key from a file', () => {
    const path = join(temporaryDirectory(), 'key.pem');
    writeFileSync(path, ES256);
    expect(problemsIn({ AUTH_MODE: 'jwt', JWT_PUBLIC_KEY: path })).toEqual([]);
  });

  it.each([
    ['JWT_SECRET', 'x'.repeat(31), 'must be at least 32 bytes long'],
    ['JWT_JWKS_URL', 'ftp://issuer/keys', 'must be an http or https URL'],
    ['JWT_JWKS_URL', 'issuer/keys', 'must be an http or https URL'],
    ...[
      'no key',
      '/no/such/file.pem',
      pemOf(generateKeyPairSync('rsa', { modulusLength: 1024 }).publicKey),
      pemOf(generateKeyPairSync('ec', { namedCurve: 'P-384' }).publicKey),
      pemOf(generateKeyPairSync('x25519').publicKey),
    ].map((key) => [
      'JWT_PUBLIC_KEY',
      key,
      'must be a public key of RS256 (2048 bits or more), ES256 or EdDSA in PEM, or the path of one',
    ]),
  ])('refuses %s=%j with jwt', (name, value, rule) => {
    expect(problemsIn({ AUTH_MODE: 'jwt', [name]: value })).toEqual([
      `${name} ${rule}`,
    ]);
  });

  it('needs TRUSTED_PROXIES with header', () => {
    expect(problemsIn({ AUTH_MODE: 'header' })).toEqual([
      'TRUSTED_PROXIES must name the gateway with AUTH_MODE=header',
    ]);
    const TRUSTED_PROXIES = '10.0.0.0/8, ::1,192.168.1.7';
    expect(problemsIn({ AUTH_MODE: 'header', TRUSTED_PROXIES })).toEqual([]);
  });

  it('decides whether requests are limited by default', () => {
    const limitsOf = (environment: NodeJS.ProcessEnv) => {
      const config = parseConfig(environment);
      const { RATE_LIMIT, RATE_LIMIT_WRITES, RATE_LIMIT_OUTPUTS } = config;
      return [RATE_LIMIT, RATE_LIMIT_WRITES, RATE_LIMIT_OUTPUTS];
    };
    expect(limitsOf({ AUTH_MODE: 'jwt', ...SECRET })).toEqual([
      600, 120, 1_200,
    ]);
    const header = { AUTH_MODE: 'header', TRUSTED_PROXIES: '::1' };
    expect(limitsOf(header)).toEqual([600, 120, 1_200]);
    expect(limitsOf({ ...header, RATE_LIMIT: '0' })).toEqual([0, 120, 1_200]);
    expect(limitsOf({})).toEqual([0, 0, 0]);
    expect(limitsOf({ AUTH_MODE: 'none' })).toEqual([0, 0, 0]);
    const limits = {
      RATE_LIMIT: '7',
      RATE_LIMIT_WRITES: '8',
      RATE_LIMIT_OUTPUTS: '9',
    };
    expect(limitsOf(limits)).toEqual([7, 8, 9]);
  });
});
