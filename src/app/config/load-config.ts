import { existsSync } from 'node:fs';
import { env, loadEnvFile } from 'node:process';
import type { Config, DatabaseConfig } from './config.js';
import { parseConfig, parseDatabaseConfig } from './parse-config.js';

/** Reads the settings of the service from the environment and from .env, if there is one. */
export function loadConfig(): Config {
  return parseConfig(environment());
}

/** Reads only the settings of the store, from the same places. */
export function loadDatabaseConfig(): DatabaseConfig {
  return parseDatabaseConfig(environment());
}

function environment(): NodeJS.ProcessEnv {
  if (existsSync('.env')) loadEnvFile();
  return env;
}
