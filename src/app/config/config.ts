import {
  IsBoolean,
  IsIn,
  IsInt,
  IsNotEmpty,
  IsString,
  Matches,
  Max,
  Min,
} from 'class-validator';
import {
  CACHE_MODES,
  type CacheMode,
  DEFAULTS,
} from '../../chat-sessions/options.js';
import { IsAddressList } from './is-address-list.js';
import { IsDatabaseUrl } from './is-database-url.js';
import { IsOriginList } from './is-origin-list.js';

export const LOG_LEVELS = [
  'fatal',
  'error',
  'warn',
  'info',
  'debug',
  'verbose',
] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

const AUTH_MODES = ['jwt', 'header', 'none'] as const;
type AuthMode = (typeof AUTH_MODES)[number];

/** The settings of the store, named as in the environment: all that a migration needs. */
export class DatabaseConfig {
  @IsDatabaseUrl()
  readonly DATABASE_URL: string = 'sqlite:data/chat-sessions.sqlite';

  /** Whether a start migrates a MySQL schema; the embedded store always is. */
  @IsBoolean()
  readonly DATABASE_MIGRATE: boolean = false;

  /** Connections to MySQL at most. */
  @IsInt()
  @Min(1)
  @Max(1000)
  readonly DATABASE_POOL_SIZE: number = 20;
}

/** The settings of the stand-alone service, named as in the environment. */
export class Config extends DatabaseConfig {
  /** `production` asks for an explicit AUTH_MODE. */
  @IsString()
  readonly NODE_ENV: string = '';

  /** 0 takes any free port. */
  @IsInt()
  @Min(0)
  @Max(65535)
  readonly PORT: number = 3000;

  @IsNotEmpty()
  readonly HOST: string = '127.0.0.1';

  @IsIn(LOG_LEVELS)
  readonly LOG_LEVEL: LogLevel = 'info';

  /** Bytes of a request body. */
  @IsInt()
  @Min(1024)
  @Max(64 * 1024 * 1024)
  readonly BODY_LIMIT: number = 4 * 1024 * 1024;

  /** Milliseconds in which the store answers a request, or the request is answered 503. */
  @IsInt()
  @Min(100)
  @Max(60_000)
  readonly REQUEST_DEADLINE_MS: number = DEFAULTS.deadlineMs;

  /** Seconds that an Idempotency-Key is known for, at least. */
  @IsInt()
  @Min(1)
  @Max(30 * 24 * 60 * 60)
  readonly IDEMPOTENCY_TTL: number = DEFAULTS.idempotencyTtl;

  /** Whether answers to GET of a session are kept in memory, and when they are true; empty for the store's default. */
  @IsIn(['', ...CACHE_MODES], {
    message: `$property must be one of the following values: ${CACHE_MODES.join(', ')}`,
  })
  readonly CACHE: CacheMode | '' = '';

  /** Megabytes of memory for these. */
  @IsInt()
  @Min(1)
  @Max(64 * 1024)
  readonly CACHE_MAX_MB: number = DEFAULTS.cacheMaxMb;

  /** Milliseconds for which requests are still accepted after the signal to end. */
  @IsInt()
  @Min(0)
  @Max(60_000)
  readonly DRAIN_MS: number = 1000;

  /** How callers are identified. Not set, it is `none` on a loopback address outside of production. */
  @IsIn(['', ...AUTH_MODES], {
    message: `$property must be one of the following values: ${AUTH_MODES.join(', ')}`,
  })
  readonly AUTH_MODE: AuthMode | '' = '';

  /** Secret of HS256, at least 32 bytes. */
  @IsString()
  readonly JWT_SECRET: string = '';

  /** Public key of RS256, ES256 or EdDSA: PEM, or the path of a file with it. */
  @IsString()
  readonly JWT_PUBLIC_KEY: string = '';

  /** Where the issuer publishes its keys. */
  @IsString()
  readonly JWT_JWKS_URL: string = '';

  /** The claim `iss` that tokens must have; not set, any will do. */
  @IsString()
  readonly JWT_ISSUER: string = '';

  /** What the claim `aud` must be or hold; not set, any will do. */
  @IsString()
  readonly JWT_AUDIENCE: string = '';

  /** The claim with the owner's id. */
  @IsNotEmpty()
  readonly JWT_OWNER_CLAIM: string = 'sub';

  /** The header with the owner's id, of AUTH_MODE=header. */
  @Matches(/^[A-Za-z0-9-]+$/, {
    message: '$property must be the name of a header',
  })
  readonly IDENTITY_HEADER: string = 'X-User-Id';

  /** Addresses and CIDR blocks, separated by commas. */
  @IsAddressList()
  readonly TRUSTED_PROXIES: string = '';

  /** Reading requests a minute, of one owner; 0 is no limit, as is the default where everybody is one owner. */
  @IsInt()
  @Min(0)
  readonly RATE_LIMIT: number = 600;

  /** Writing requests a minute, likewise. */
  @IsInt()
  @Min(0)
  readonly RATE_LIMIT_WRITES: number = 120;

  /** Origins whose pages may call the API, separated by commas. */
  @IsOriginList()
  readonly CORS_ORIGINS: string = '';
}
