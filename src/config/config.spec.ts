import { readFileSync } from 'node:fs';
import { parseEnv } from 'node:util';
import { describe, expect, it } from 'vitest';
import { Config, InvalidConfigError, parseConfig } from './config.js';

function mistakesOf(environment: NodeJS.ProcessEnv): string[] {
  try {
    parseConfig(environment);
  } catch (error) {
    if (error instanceof InvalidConfigError) return error.mistakes;
    throw error;
  }
  return [];
}

describe('parseConfig', () => {
  it('has defaults for everything, which .env.example shows', () => {
    const file = new URL('../../.env.example', import.meta.url);
    const example = parseEnv(readFileSync(file, 'utf8'));
    expect(Object.keys(example).toSorted()).toEqual(
      Object.keys(new Config()).toSorted(),
    );
    expect(parseConfig(example)).toEqual(new Config());
    expect(parseConfig({})).toEqual(new Config());
  });

  it('takes what the environment says, as numbers and booleans where they belong', () => {
    const given = {
      PORT: '0',
      HOST: '::',
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

  it('counts an empty variable as not set, and does not mind others', () => {
    const config = parseConfig({ PORT: '', HOST: '', PATH: '/bin', port: 'x' });
    expect(config).toEqual(new Config());
  });

  it('cannot be changed afterwards', () => {
    expect(parseConfig({})).toSatisfy(Object.isFrozen);
  });

  it('reports all mistakes at once, by name and without the values', () => {
    const values = {
      PORT: '70000',
      HOST: '127.0.0.1',
      DATABASE_URL: 'postgres://chat:secret@db/chat',
      DATABASE_MIGRATE: 'maybe',
      DATABASE_POOL_SIZE: '-7',
      LOG_LEVEL: 'loud',
      BODY_LIMIT: '12MiB',
    };
    const mistakes = [
      'PORT must not be greater than 65535',
      'DATABASE_URL must be sqlite:PATH or mysql://user:password@host:port/database',
      'DATABASE_MIGRATE must be a boolean value',
      'DATABASE_POOL_SIZE must not be less than 1',
      'LOG_LEVEL must be one of the following values: fatal, error, warn, info, debug, verbose',
      'BODY_LIMIT must be an integer number',
    ];
    expect(mistakesOf(values).toSorted()).toEqual(mistakes.toSorted());
    const { message } = new InvalidConfigError(mistakesOf(values));
    for (const mistake of mistakes) expect(message).toContain(mistake);
    expect(message).not.toMatch(/70000|postgres|secret|maybe|-7|loud|12MiB/);
  });

  it.each([
    ['PORT', ['-1', '65536', '1.5', '1e3', '0x10', ' 80', 'http']],
    ['DATABASE_MIGRATE', ['1', 'yes', 'TRUE', ' true']],
    ['DATABASE_POOL_SIZE', ['0', '1001', 'ten']],
    ['LOG_LEVEL', ['WARN', 'silly']],
    ['BODY_LIMIT', ['1023', '67108865', '4MB']],
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
        'http://db/chat',
      ],
    ],
  ])('refuses a wrong %s in one line', (name, values) => {
    for (const value of values) {
      expect(mistakesOf({ [name]: value })).toEqual([
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
  ])('takes DATABASE_URL=%s', (url) => {
    expect(parseConfig({ DATABASE_URL: url }).DATABASE_URL).toBe(url);
  });
});
