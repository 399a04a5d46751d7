import { existsSync } from 'node:fs';
import { loadEnvFile } from 'node:process';
import { type Config, parseConfig } from './config.js';

/** The settings of this process: its environment and, where there is one, the file .env. */
export function loadConfig(): Config {
  if (existsSync('.env')) loadEnvFile();
  return parseConfig(process.env);
}
