import { expect, it } from 'vitest';
import { Config } from './config.js';
import { unknownVariables } from './unknown-variables.js';

it.each([
  ['DATABSE_URL', 'DATABASE_URL'],
  ['DATABASE_URI', 'DATABASE_URL'],
  ['database_url', 'DATABASE_URL'],
  ['AUTHMODE', 'AUTH_MODE'],
  ['CORS_ORIGIN', 'CORS_ORIGINS'],
  ['LOGLEVEL', 'LOG_LEVEL'],
  ['JWT_SECRETS', 'JWT_SECRET'],
])('%s was meant to be %s', (name, meant) => {
  expect(unknownVariables({ [name]: 'x' })).toEqual([
    `${name} is not a setting: did you mean ${meant}?`,
  ]);
});

it('names variables with a prefix of the service', () => {
  const environment = {
    DATABASE_HOST: 'x',
    JWT_EXPIRY: 'x',
    RATE_LIMIT_BURST: 'x',
  };
  expect(unknownVariables(environment)).toEqual([
    'DATABASE_HOST is not a setting',
    'JWT_EXPIRY is not a setting',
    'RATE_LIMIT_BURST is not a setting',
  ]);
});

it('says nothing about the settings and about what systems set', () => {
  const others =
    'PATH HOME HOSTNAME SHELL PWD LANG USER LOGNAME TZ TERM CI DEBUG NODE_OPTIONS NODE_VERSION npm_config_cache KUBERNETES_PORT MYSQL_PORT DATABASE_SERVICE_HOST DATABASE_PORT_3306_TCP_ADDR';
  const names = [...Object.keys(new Config()), ...others.split(' ')];
  const environment = Object.fromEntries(names.map((name) => [name, 'x']));
  expect(unknownVariables(environment)).toEqual([]);
});
