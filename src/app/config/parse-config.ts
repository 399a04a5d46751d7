import { validateSync } from 'class-validator';
import { coerce } from '../../validation/coerce.js';
import { messagesOf } from '../../validation/messages.js';
import { Config, DatabaseConfig } from './config.js';
import { identityMistakes } from './identity-problems.js';

/** All that is wrong with the environment, by name and without the values, which may be secrets. */
export class InvalidConfigError extends Error {
  constructor(readonly mistakes: string[]) {
    super(`Invalid configuration: ${mistakes.join('; ')}`);
  }
}

/** Where everybody is one owner, that owner's requests have no limit unless one is set. */
const UNLIMITED = { RATE_LIMIT: 0, RATE_LIMIT_WRITES: 0 };

/** Reads the settings of the service; an empty variable counts as not set. */
export function parseConfig(environment: NodeJS.ProcessEnv): Config {
  const { AUTH_MODE = '' } = environment;
  const isShared = AUTH_MODE === '' || AUTH_MODE === 'none';
  const defaults = Object.assign(new Config(), isShared && UNLIMITED);
  const config = read(defaults, environment);
  return checked(config, identityMistakes(config));
}

/** Reads the settings of the store alone. */
export function parseDatabaseConfig(
  environment: NodeJS.ProcessEnv,
): DatabaseConfig {
  return checked(read(new DatabaseConfig(), environment));
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
  const mistakes = [...messagesOf(validateSync(config)), ...more];
  if (mistakes.length > 0) throw new InvalidConfigError(mistakes);
  return Object.freeze(config);
}
