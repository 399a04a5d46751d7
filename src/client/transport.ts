import { ChatSessionsApiError } from './error.js';
import type { CallOptions } from './options.js';
import {
  codeOf,
  detailsOf,
  isRefusal,
  isSuccess,
  isTransient,
  type Outcome,
  readOutcome,
  retryAfterOf,
  textOf,
} from './outcome.js';
import { backoff, sleep, unlessAborted } from './pause.js';

/**
 * Returns the token for a request. The client calls it before each try. After a 401
 * it calls it once more with the token that was refused, so that it can return a new
 * one. If it throws, the call rejects with what it throws.
 */
export type TokenProvider = (refused?: string) => string | Promise<string>;

export interface ClientOptions {
  /** URL of the service, without the prefix; `''` is the origin of the page. */
  baseUrl: string;
  /** Prefix of the paths (`/api`). A platform may use another, or `''`. */
  prefix?: string;
  /** Sent as `Authorization: Bearer`; no header if left out. */
  token?: string | TokenProvider;
  /** Headers of every request. */
  headers?: Record<string, string>;
  /** Most times that a request is sent (5). */
  maxAttempts?: number;
  /** Timeout of one try, in milliseconds (30,000). */
  timeoutMs?: number;
  /** Timeout of a request with all tries and pauses, in milliseconds (90,000). The client does not wait for a Retry-After beyond it. */
  totalTimeoutMs?: number;
  /** Used instead of the global `fetch`. */
  fetch?: typeof fetch;
}

export interface Request {
  method: string;
  /** Path below the prefix, with the query. */
  path: string;
  headers?: Record<string, string | undefined>;
  body?: unknown;
  /** Whether it does no harm to send the request again after it has succeeded. */
  isRepeatable: boolean;
}

/** Timers with a longer delay fire at once. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** Sends requests, and sends them again if that is safe and may help. */
export class Transport {
  private readonly base: string;
  private readonly options: Required<
    Omit<ClientOptions, 'baseUrl' | 'prefix' | 'token'>
  >;
  private readonly token: TokenProvider | undefined;
  private readonly canRefresh: boolean;

  constructor({
    baseUrl,
    prefix = '/api',
    token,
    headers = {},
    maxAttempts = 5,
    timeoutMs = 30_000,
    totalTimeoutMs = 90_000,
    // In a browser, fetch cannot be called as a method of another object.
    fetch = (input, init) => globalThis.fetch(input, init),
  }: ClientOptions) {
    this.base = [
      baseUrl.replace(/\/+$/, ''),
      ...prefix.split('/').filter(Boolean),
    ].join('/');
    this.options = {
      headers,
      maxAttempts,
      timeoutMs,
      totalTimeoutMs,
      fetch,
    };
    this.canRefresh = typeof token === 'function';
    this.token = typeof token === 'string' ? () => token : token;
  }

  /**
   * Sends a request until it succeeds or cannot be repeated.
   * @throws ChatSessionsApiError, the signal's reason, or what the token provider throws
   */
  async send(
    request: Request,
    { signal, timeoutMs }: CallOptions = {},
  ): Promise<Outcome> {
    const { maxAttempts, totalTimeoutMs } = this.options;
    const longest = Math.min(timeoutMs ?? Infinity, this.options.timeoutMs);
    const end = performance.now() + totalTimeoutMs;
    const requestId = crypto.randomUUID();
    const prepared = this.prepare(request, requestId);
    let refusedToken: string | undefined;
    let hasAskedAgain = false;
    let mayBeDone = false;
    for (let attempts = 1; ; attempts++) {
      const token = await unlessAborted(this.token?.(refusedToken), signal);
      signal?.throwIfAborted();
      const init = { ...prepared, headers: new Headers(prepared.headers) };
      if (token) init.headers.set('Authorization', `Bearer ${token}`);
      const left = end - performance.now();
      const outcome = await this.try(
        request.path,
        init,
        Math.min(left, longest),
        signal,
      );
      if (isSuccess(outcome)) return outcome;
      if (outcome.status === 401 && this.canRefresh && !hasAskedAgain) {
        hasAskedAgain = true;
        refusedToken = token;
        continue;
      }
      mayBeDone ||= request.method !== 'GET' && !isRefusal(outcome);
      const retryAfter = retryAfterOf(outcome);
      const pause = (retryAfter ?? 0) * 1000 + backoff(attempts);
      const canRepeat =
        request.isRepeatable &&
        isTransient(outcome) &&
        attempts < maxAttempts &&
        performance.now() + pause < end;
      if (!canRepeat) {
        throw new ChatSessionsApiError({
          status: outcome.status,
          text: textOf(outcome),
          code: codeOf(outcome),
          details: detailsOf(outcome),
          retryAfter,
          requestId: outcome.headers.get('X-Request-Id') ?? requestId,
          attempts,
          mayBeDone,
          body: outcome.body,
          cause: outcome.cause,
        });
      }
      await sleep(pause, signal);
    }
  }

  /** Makes the parts that all tries share. */
  private prepare({ method, headers, body }: Request, requestId: string) {
    const all = new Headers(this.options.headers);
    all.set('X-Request-Id', requestId);
    for (const [name, value] of Object.entries(headers ?? {})) {
      if (value !== undefined) all.set(name, value);
    }
    if (body === undefined) return { method, headers: all };
    all.set('Content-Type', headers?.['Content-Type'] ?? 'application/json');
    return { method, headers: all, body: JSON.stringify(body) };
  }

  private async try(
    path: string,
    init: RequestInit,
    left: number,
    signal?: AbortSignal,
  ): Promise<Outcome> {
    const controller = new AbortController();
    const abort = () => controller.abort(signal?.reason);
    signal?.addEventListener('abort', abort, { once: true });
    const least = Math.min(left, LONGEST_TIMER_MS);
    const limit = Math.max(Math.round(least), 0);
    // AbortSignal.timeout() would not keep a Node.js process alive. Neither does
    // fetch if a server accepts a connection and closes it at once.
    const timer = setTimeout(
      () => controller.abort(new Error(`timed out after ${limit} ms`)),
      limit,
    );
    try {
      const response = await this.options.fetch(this.base + path, {
        ...init,
        // A redirect would turn a POST into a GET.
        redirect: 'manual',
        signal: controller.signal,
      });
      return await readOutcome(response);
    } catch (cause) {
      signal?.throwIfAborted();
      return {
        status: undefined,
        headers: new Headers(),
        body: undefined,
        cause,
      };
    } finally {
      clearTimeout(timer);
      signal?.removeEventListener('abort', abort);
    }
  }
}
