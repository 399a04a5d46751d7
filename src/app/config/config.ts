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
import { CONNECT_TIMEOUT_MS } from '../../database/mysql/address.js';
import { IsAddressList, IsDatabaseUrl, IsOriginList } from './rules.js';

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

/** Settings of the store, with the names of their variables. A migration needs no others. */
export class DatabaseConfig {
  @IsDatabaseUrl()
  readonly DATABASE_URL: string = 'sqlite:data/chat-sessions.sqlite';

  /** Whether the service migrates a MySQL schema when it starts. It always migrates SQLite. */
  @IsBoolean()
  readonly DATABASE_MIGRATE: boolean = false;

  /** Most connections to MySQL. */
  @IsInt()
  @Min(1)
  @Max(1000)
  readonly DATABASE_POOL_SIZE: number = 20;

  /** Milliseconds to open a connection to MySQL, handshake included. */
  @IsInt()
  @Min(100)
  @Max(60_000)
  readonly DATABASE_CONNECT_TIMEOUT_MS: number = CONNECT_TIMEOUT_MS;

  /** Milliseconds that a start waits for a MySQL that cannot be reached. */
  @IsInt()
  @Min(0)
  @Max(60 * 60 * 1000)
  readonly DATABASE_WAIT_MS: number = 0;
}

/** Settings of the stand-alone service, with the names of their variables. */
export class Config extends DatabaseConfig {
  /** With `production`, AUTH_MODE and DATABASE_URL must be set. */
  @IsString()
  readonly NODE_ENV: string = '';

  /** Port to listen on; 0 takes any free one. */
  @IsInt()
  @Min(0)
  @Max(65535)
  readonly PORT: number = 3000;

  @IsNotEmpty()
  readonly HOST: string = '127.0.0.1';

  @IsIn(LOG_LEVELS)
  readonly LOG_LEVEL: LogLevel = 'info';

  /** Most bytes of a request body. */
  @IsInt()
  @Min(1024)
  @Max(64 * 1024 * 1024)
  readonly BODY_LIMIT: number = 16 * 1024 * 1024;

  /** Milliseconds that the store has for a request, which then gets 503. */
  @IsInt()
  @Min(100)
  @Max(60_000)
  readonly REQUEST_DEADLINE_MS: number = DEFAULTS.deadlineMs;

  /** Least seconds that an Idempotency-Key is remembered. */
  @IsInt()
  @Min(1)
  @Max(30 * 24 * 60 * 60)
  readonly IDEMPOTENCY_TTL: number = DEFAULTS.idempotencyTtl;

  /** Seconds that the empty rows of deleted messages are kept for instances of the version before. */
  @IsInt()
  @Min(0)
  @Max(30 * 24 * 60 * 60)
  readonly REMOVAL_GRACE: number = DEFAULTS.removalGrace;

  /** How responses to GET of a session are cached; empty is `validated` on MySQL and `exclusive` on SQLite. */
  @IsIn(['', ...CACHE_MODES], {
    message: `$property must be one of the following values: ${CACHE_MODES.join(', ')}`,
  })
  readonly CACHE: CacheMode | '' = '';

  /** Most megabytes of cached responses. */
  @IsInt()
  @Min(1)
  @Max(64 * 1024)
  readonly CACHE_MAX_MB: number = DEFAULTS.cacheMaxMb;

  /** Milliseconds that the service keeps accepting requests after SIGTERM. */
  @IsInt()
  @Min(0)
  @Max(60_000)
  readonly DRAIN_MS: number = 1000;

  /** How callers are identified; empty is `none`, and allowed only on a loopback HOST outside of production. */
  @IsIn(['', ...AUTH_MODES], {
    message: `$property must be one of the following values: ${AUTH_MODES.join(', ')}`,
  })
  readonly AUTH_MODE: AuthMode | '' = '';

  /** Secret for HS256, at least 32 bytes. */
  @IsString()
  readonly JWT_SECRET: string = '';

  /** Public key for RS256, ES256 or EdDSA: PEM, or the path of a file that holds it. */
  @IsString()
  readonly JWT_PUBLIC_KEY: string = '';

  /** URL of the issuer's key set (JWKS). */
  @IsString()
  readonly JWT_JWKS_URL: string = '';

  /** The `iss` that tokens must have; empty accepts any. */
  @IsString()
  readonly JWT_ISSUER: string = '';

  /** A value that `aud` must be or contain; empty accepts any. */
  @IsString()
  readonly JWT_AUDIENCE: string = '';

  /** The claim that holds the owner's id. */
  @IsNotEmpty()
  readonly JWT_OWNER_CLAIM: string = 'sub';

  /** Seconds by which the issuer's clock may differ from this one. */
  @IsInt()
  @Min(0)
  @Max(300)
  readonly JWT_LEEWAY: number = 5;

  /** The header that holds the owner's id with AUTH_MODE=header. */
  @Matches(/^[A-Za-z0-9-]+$/, {
    message: '$property must be the name of a header',
  })
  readonly IDENTITY_HEADER: string = 'X-User-Id';

  /** Proxies whose IDENTITY_HEADER and X-Forwarded-For are believed: addresses and CIDR blocks, separated by commas. */
  @IsAddressList()
  readonly TRUSTED_PROXIES: string = '';

  /** Read requests that an owner may send in a minute; 0 is no limit, and the default if every caller is the same owner. */
  @IsInt()
  @Min(0)
  readonly RATE_LIMIT: number = 600;

  /** Write requests that an owner may send in a minute; 0 as for RATE_LIMIT. */
  @IsInt()
  @Min(0)
  readonly RATE_LIMIT_WRITES: number = 120;

  /** Outputs and other changes of runs that an owner may send in a minute, which do not count as writes; 0 as for RATE_LIMIT. */
  @IsInt()
  @Min(0)
  readonly RATE_LIMIT_OUTPUTS: number = 1_200;

  /** Origins whose pages may call the API, separated by commas. */
  @IsOriginList()
  readonly CORS_ORIGINS: string = '';
}
