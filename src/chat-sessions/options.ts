import type { ControllerOptions } from '@nestjs/common';
import {
  Allow,
  IsIn,
  IsInt,
  IsOptional,
  Max,
  Min,
  validateSync,
} from 'class-validator';
import type { IncomingMessage } from 'node:http';
import { messagesOf } from '../validation/messages.js';

export const CACHE_MODES = ['validated', 'exclusive', 'off'] as const;
export type CacheMode = (typeof CACHE_MODES)[number];

export const DEFAULTS = {
  deadlineMs: 5_000,
  cacheMaxMb: 64,
  idempotencyTtl: 24 * 60 * 60,
  removalGrace: 24 * 60 * 60,
} as const;

/** A read that may be answered before Nest's guards. */
export interface AdmittedRead {
  ownerId: string;
  /** Headers of the response, such as those of a rate limit. */
  headers: Readonly<Record<string, string>>;
  /** Added to the response's Vary header. */
  vary?: string;
}

/** Options of `ChatSessionsModule.forRoot`. */
export interface ChatSessionsOptions {
  /**
   * Returns the caller's id: 1 to 191 characters, without control characters
   * and without white space at either end. For anything else (undefined, a
   * number, an empty string) the response is 401. Called once a request, after
   * the application's global guards, with the adapter's request. An exception
   * that it throws becomes the response.
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

  /** Milliseconds that a request may wait for the store before it gets 503: 100 to 60,000, by default 5,000. */
  deadlineMs?: number;

  /**
   * Whether responses to GET of a session are cached in memory. `validated`,
   * the default on MySQL: used after a query has confirmed their version.
   * `exclusive`, the default on SQLite: used without a query; for a single
   * instance that is the only writer. `off`: not cached.
   */
  cache?: CacheMode;

  /** Memory for cached responses, in megabytes (2^20 bytes): by default 64. */
  cacheMaxMb?: number;

  /** Seconds for which an Idempotency-Key is kept, at least: by default a day, at most 30 days. */
  idempotencyTtl?: number;

  /**
   * Seconds for which the empty rows of messages that were deleted inside a
   * session are kept: by default a day, at most 30 days. A rolling deploy must end
   * within it, since instances of the version before read these rows.
   */
  removalGrace?: number;
}

/** Groups of routes. */
export const ROUTE_GROUPS = [
  'sessions',
  'messages',
  'branches',
  'forks',
  'runs',
  'sections',
  'history',
] as const;
export type RouteGroup = (typeof ROUTE_GROUPS)[number];

/** Options that Nest needs before it resolves the others. In `forRootAsync` they stand beside `useFactory`. */
export interface ChatSessionsRegistration {
  /**
   * Its name, as in `TypeOrmModule.forRoot({ name })`; by default the default
   * data source. On MySQL and MariaDB other modules may use it too; on SQLite
   * it must be the module's own.
   */
  dataSource?: string;

  /** Makes the services injectable in all modules of the application; by default in those that import this one. */
  isGlobal?: boolean;

  /** Which routes there are: by default all. With `false` or an empty list there are only the services. */
  routes?: boolean | readonly RouteGroup[];

  /** A path before those of the routes, such as `assistant` for `/assistant/chat-sessions`. */
  path?: string;

  /** The version of the routes, as in `@Controller({ version })`. The application enables versioning. */
  version?: ControllerOptions['version'];

  /**
   * The shape of errors. `module`, the default: `{ error, code }` from the
   * module's own filter. `application`: the routes throw HttpExceptions, whose
   * response is `{ statusCode, message, code }`, for the application's filters.
   */
  errors?: 'module' | 'application';

  /** How the routes appear in the application's OpenAPI document. */
  swagger?: {
    /** One tag for all routes, in place of the module's four. */
    tag?: string;
    /** The name of a security scheme of the document, such as `bearer` after `addBearerAuth()`; by default none. */
    security?: string;
    /** Leaves the routes out of the document. */
    hidden?: boolean;
  };
}

/** The groups of routes that a registration asks for. */
export function routeGroupsOf({
  routes = true,
}: ChatSessionsRegistration): readonly RouteGroup[] {
  return routes === true ? ROUTE_GROUPS : routes || [];
}

/** The path of a route of the module below the application's prefix. */
export function pathBelow(
  { path }: ChatSessionsRegistration,
  route: string,
): string {
  return path ? `${path}/${route}` : route;
}

/** The validated options, with their defaults. */
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

  @IsInt()
  @Min(0)
  @Max(30 * 24 * 60 * 60)
  readonly removalGrace: number = DEFAULTS.removalGrace;

  /** Throws a TypeError that names every invalid option. */
  constructor(options: ChatSessionsOptions) {
    const { owner, ...others } = Object(options) as ChatSessionsOptions;
    this.owner = owner;
    const given = Object.entries(others).filter(
      ([, value]) => value !== undefined,
    );
    Object.assign(this, Object.fromEntries(given));
    const problems = messagesOf(
      validateSync(this, { whitelist: true, forbidNonWhitelisted: true }),
    );
    if (typeof owner !== 'function') {
      problems.unshift('owner must be a function of the request');
    }
    if (this.admitRead && typeof this.admitRead !== 'function') {
      problems.push('admitRead must be a function of the request');
    }
    if (problems.length > 0) {
      throw new TypeError(`Options of Chat Sessions: ${problems.join('; ')}`);
    }
  }
}
