import { existsSync } from 'node:fs';
import { env, loadEnvFile } from 'node:process';
import {
  type Config,
  type DatabaseConfig,
  parseConfig,
  parseDatabaseConfig,
} from './config.js';

/** The settings of the service: from its environment and, where there is one, the file .env. */
export function loadConfig(): Config {
  return parseConfig(environment());
}

/** The settings of the store, likewise. */
export function loadDatabaseConfig(): DatabaseConfig {
  return parseDatabaseConfig(environment());
}

function environment(): NodeJS.ProcessEnv {
  if (existsSync('.env')) loadEnvFile();
  return env;
}
