import type { IncomingMessage } from 'node:http';
import {
  Allow,
  IsIn,
  IsInt,
  IsOptional,
  Max,
  Min,
  validateSync,
} from 'class-validator';
import { messagesOf } from '../validation/messages.js';

export const CACHE_MODES = ['validated', 'exclusive', 'off'] as const;
export type CacheMode = (typeof CACHE_MODES)[number];

export const DEFAULTS = {
  deadlineMs: 5_000,
  cacheMaxMb: 64,
  idempotencyTtl: 24 * 60 * 60,
} as const;

/** A read that may be answered before Nest's guards. */
export interface AdmittedRead {
  ownerId: string;
  /** Headers of the response, such as those of a rate limit; `vary` is added to what it varies by already. */
  headers: Readonly<Record<string, string>>;
}

/** What an application decides for the module. */
export interface ChatSessionsOptions {
  /**
   * The id of the caller whose request it is: 1 to 191 characters, without
   * control characters and without white space at either end. Anything else
   * (undefined, a number, an empty text) is answered 401. It is asked once a
   * request, after the application's global guards, with the request of the
   * adapter; what it throws is answered as any exception.
   */
  owner(
    this: void,
    request: object,
  ): string | null | undefined | Promise<string | null | undefined>;

  /**
   * Lets the plain GET of a session be answered from the cache before Nest's
   * guards run; on Fastify only. It does what the guards would do: find the
   * caller and count the request. Resolve to undefined to leave the request to
   * the guards, for instance to refuse it. By default every read passes them.
   */
  admitRead?(
    this: void,
    request: IncomingMessage,
  ): Promise<AdmittedRead | undefined>;

  /** Milliseconds in which the store answers a request, or the request is answered 503: 100 to 60,000, by default 5,000. */
  deadlineMs?: number;

  /**
   * Whether answers to GET of a session are kept in memory. `validated`, the
   * default on MySQL: served after a query has shown that they are current.
   * `exclusive`, the default on SQLite: served without, for a single instance
   * that alone writes to the store. `off`: never kept.
   */
  cache?: CacheMode;

  /** Megabytes (2^20 bytes) of memory for these, by default 64. */
  cacheMaxMb?: number;

  /** Seconds that an Idempotency-Key is known for, at least: by default a day, at most 30. */
  idempotencyTtl?: number;
}

/** Which data source, beside the options: it has to be known before they are. */
export interface ChatSessionsDataSource {
  /**
   * Its name, as in `TypeOrmModule.forRoot({ name })`; without one, the default
   * data source. On MySQL and MariaDB it may be shared with other modules; on
   * SQLite it has to be one of its own.
   */
  dataSource?: string;
}

/** The options with their defaults. */
export class ChatSessionsSettings {
  @Allow()
  readonly owner: ChatSessionsOptions['owner'];

  @Allow()
  readonly admitRead?: ChatSessionsOptions['admitRead'];

  @IsInt()
  @Min(100)
  @Max(60_000)
  readonly deadlineMs: number = DEFAULTS.deadlineMs;

  @IsOptional()
  @IsIn(CACHE_MODES)
  readonly cache?: CacheMode;

  @IsInt()
  @Min(1)
  @Max(64 * 1024)
  readonly cacheMaxMb: number = DEFAULTS.cacheMaxMb;

  @IsInt()
  @Min(1)
  @Max(30 * 24 * 60 * 60)
  readonly idempotencyTtl: number = DEFAULTS.idempotencyTtl;

  /** Throws a TypeError that names every option that is wrong. */
  constructor(options: ChatSessionsOptions) {
    const { owner, ...others } = Object(options) as ChatSessionsOptions;
    this.owner = owner;
    const given = Object.entries(others).filter(
      ([, value]) => value !== undefined,
    );
    Object.assign(this, Object.fromEntries(given));
    const mistakes = messagesOf(
      validateSync(this, { whitelist: true, forbidNonWhitelisted: true }),
    );
    if (typeof owner !== 'function') {
      mistakes.unshift('owner must be a function of the request');
    }
    if (mistakes.length > 0) {
      throw new TypeError(`Options of Chat Sessions: ${mistakes.join('; ')}`);
    }
  }
}
