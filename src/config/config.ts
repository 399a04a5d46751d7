import {
  IsBoolean,
  IsIn,
  IsInt,
  IsNotEmpty,
  IsString,
  Max,
  Min,
  validateSync,
} from 'class-validator';
import { coerce } from '../validation/coerce.js';
import { messagesOf } from '../validation/messages.js';
import { IsDatabaseUrl } from './is-database-url.js';

export const LOG_LEVELS = [
  'fatal',
  'error',
  'warn',
  'info',
  'debug',
  'verbose',
] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** The settings of the stand-alone service, named as in the environment. */
export class Config {
  /** 0 takes any free port. */
  @IsInt()
  @Min(0)
  @Max(65_535)
  readonly PORT: number = 3000;

  @IsString()
  @IsNotEmpty()
  readonly HOST: string = '127.0.0.1';

  @IsDatabaseUrl()
  readonly DATABASE_URL: string = 'sqlite:data/chat-sessions.sqlite';

  @IsBoolean()
  readonly DATABASE_MIGRATE: boolean = false;

  @IsInt()
  @Min(1)
  @Max(1000)
  readonly DATABASE_POOL_SIZE: number = 10;

  @IsIn(LOG_LEVELS)
  readonly LOG_LEVEL: LogLevel = 'info';

  /** Bytes of a request body. */
  @IsInt()
  @Min(1024)
  @Max(64 * 1024 * 1024)
  readonly BODY_LIMIT: number = 4 * 1024 * 1024;
}

/** All that is wrong with the environment, by name and without the values, which may be secrets. */
export class InvalidConfigError extends Error {
  constructor(readonly mistakes: string[]) {
    super(`Invalid configuration: ${mistakes.join('; ')}`);
  }
}

/** Reads the settings; an empty variable counts as not set. */
export function parseConfig(environment: NodeJS.ProcessEnv): Config {
  const defaults = new Config();
  const given = Object.entries(defaults)
    .filter(([name]) => environment[name])
    .map(([name, value]: [string, string | number | boolean]) => [
      name,
      coerce(environment[name], value.constructor),
    ]);
  const config = Object.assign(defaults, Object.fromEntries(given));
  const mistakes = messagesOf(validateSync(config));
  if (mistakes.length > 0) throw new InvalidConfigError(mistakes);
  return Object.freeze(config);
}
