import { existsSync, readFileSync } from 'node:fs';
import { env } from 'node:process';
import type { Config, DatabaseConfig } from './config.js';
import { parseEnvFile } from './env-file.js';
import { parseConfig, parseDatabaseConfig } from './parse-config.js';
import { unknownVariables } from './unknown-variables.js';

/** Reads the settings of the service from the environment and from .env, if there is one. */
export function loadConfig(): Config {
  return parseConfig(environment());
}

/** Reads only the settings of the store, from the same places. */
export function loadDatabaseConfig(): DatabaseConfig {
  return parseDatabaseConfig(environment());
}

/** Warnings about variables that look like misspelt settings, one line each. */
export function configWarnings(): string[] {
  return unknownVariables(environment());
}

/** The environment wins over the file. */
function environment(): NodeJS.ProcessEnv {
  const file = existsSync('.env') ? parseEnvFile(readFileSync('.env')) : {};
  return { ...file, ...env };
}
