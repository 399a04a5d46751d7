import { validateSync } from 'class-validator';
import { coerce } from '../../validation/coerce.js';
import { messagesOf } from '../../validation/messages.js';
import { Config, DatabaseConfig } from './config.js';
import { identityProblems } from './identity-problems.js';
import { InvalidConfigError } from './invalid-config.error.js';

/** Defaults if every caller is the same owner: there is nobody to be fair to. */
const UNLIMITED = {
  RATE_LIMIT: 0,
  RATE_LIMIT_WRITES: 0,
  RATE_LIMIT_OUTPUTS: 0,
};

/**
 * Reads the settings of the service. An empty variable counts as not set.
 * @throws InvalidConfigError with all problems at once
 */
export function parseConfig(environment: NodeJS.ProcessEnv): Config {
  const { AUTH_MODE = '' } = environment;
  const hasOneOwner = AUTH_MODE === '' || AUTH_MODE === 'none';
  const defaults = Object.assign(new Config(), hasOneOwner && UNLIMITED);
  const config = read(defaults, environment);
  return checked(config, [
    ...storeProblems(environment),
    ...identityProblems(config),
  ]);
}

/**
 * Reads only the settings of the store.
 * @throws InvalidConfigError with all problems at once
 */
export function parseDatabaseConfig(
  environment: NodeJS.ProcessEnv,
): DatabaseConfig {
  return checked(
    read(new DatabaseConfig(), environment),
    storeProblems(environment),
  );
}

/** In production a missing or misspelt variable must not mean a new, empty file. */
function storeProblems({
  NODE_ENV,
  DATABASE_URL,
}: NodeJS.ProcessEnv): string[] {
  if (NODE_ENV !== 'production' || DATABASE_URL) return [];
  return [
    `DATABASE_URL must be set with NODE_ENV=production; the embedded store is ${new DatabaseConfig().DATABASE_URL}`,
  ];
}

function read<C extends object>(
  defaults: C,
  environment: NodeJS.ProcessEnv,
): C {
  const given = Object.entries(defaults)
    .filter(([name]) => environment[name])
    .map(([name, value]: [string, string | number | boolean]) => [
      name,
      coerce(environment[name], value.constructor),
    ]);
  return Object.assign(defaults, Object.fromEntries(given));
}

function checked<C extends object>(config: C, more: string[] = []): C {
  const problems = [...messagesOf(validateSync(config)), ...more];
  if (problems.length > 0) throw new InvalidConfigError(problems);
  return Object.freeze(config);
}
