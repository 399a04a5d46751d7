import {
  type Answer,
  detailsOf,
  isGood,
  isRefusal,
  mayPass,
  readAnswer,
  retryAfterOf,
  textOf,
} from './answer.js';
import { ChatSessionsApiError } from './error.js';
import { backoff, sleep, unlessAborted } from './pause.js';

/**
 * Gives the token of a request; asked before each try. After a 401 it is asked
 * once more, with the token that was refused, so that it can get a new one.
 */
export type TokenProvider = (refused?: string) => string | Promise<string>;

export interface ClientOptions {
  /** Where the service is, without the prefix; `''` is the origin of the page. */
  baseUrl: string;
  /** Of the paths: `/api` unless a platform has another, or `''`. */
  prefix?: string;
  /** For `Authorization: Bearer`. */
  token?: string | TokenProvider;
  /** Go with every request. */
  headers?: Record<string, string>;
  /** How often a request is sent at most (5). */
  maxAttempts?: number;
  /** Milliseconds in which a try has to be answered (30,000). */
  timeoutMs?: number;
  /** Milliseconds for a request with all its tries and pauses (90,000); a Retry-After beyond that is not waited for. */
  totalTimeoutMs?: number;
  /** Instead of the global `fetch`. */
  fetch?: typeof fetch;
}

export interface Request {
  method: string;
  /** Below the prefix, with its query. */
  path: string;
  headers?: Record<string, string | undefined>;
  body?: unknown;
  /** Whether to send it again does no harm where it was done already. */
  isRepeatable: boolean;
}

/** A timer that is set to more fires at once. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** Sends requests, and sends them again where that is safe and may help. */
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
    // A browser's own refuses to be called as a method of another object.
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

  /** Rejects with ChatSessionsApiError, the reason of a signal that is aborted, or what the token provider throws. */
  async send(request: Request, signal?: AbortSignal): Promise<Answer> {
    const { maxAttempts, totalTimeoutMs } = this.options;
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
      const answer = await this.try(request.path, init, left, signal);
      if (isGood(answer)) return answer;
      if (answer.status === 401 && this.canRefresh && !hasAskedAgain) {
        hasAskedAgain = true;
        refusedToken = token;
        continue;
      }
      mayBeDone ||= request.method !== 'GET' && !isRefusal(answer);
      const retryAfter = retryAfterOf(answer);
      const pause = (retryAfter ?? 0) * 1000 + backoff(attempts);
      const goesOn =
        request.isRepeatable &&
        mayPass(answer) &&
        attempts < maxAttempts &&
        performance.now() + pause < end;
      if (!goesOn) {
        throw new ChatSessionsApiError({
          status: answer.status,
          text: textOf(answer),
          details: detailsOf(answer),
          retryAfter,
          requestId: answer.headers.get('X-Request-Id') ?? requestId,
          attempts,
          mayBeDone,
          cause: answer.cause,
        });
      }
      await sleep(pause, signal);
    }
  }

  /** What all tries have in common. */
  private prepare({ method, headers, body }: Request, requestId: string) {
    const all = new Headers(this.options.headers);
    all.set('X-Request-Id', requestId);
    for (const [name, value] of Object.entries(headers ?? {})) {
      if (value !== undefined) all.set(name, value);
    }
    if (body === undefined) return { method, headers: all };
    all.set('Content-Type', 'application/json');
    return { method, headers: all, body: JSON.stringify(body) };
  }

  private async try(
    path: string,
    init: RequestInit,
    left: number,
    signal?: AbortSignal,
  ): Promise<Answer> {
    const { timeoutMs } = this.options;
    const controller = new AbortController();
    const abort = () => controller.abort(signal?.reason);
    signal?.addEventListener('abort', abort, { once: true });
    const least = Math.min(timeoutMs, left, LONGEST_TIMER_MS);
    const limit = Math.max(Math.round(least), 0);
    // AbortSignal.timeout() would not keep a process of Node.js alive, nor does
    // fetch where a server accepts and hangs up at once.
    const timer = setTimeout(
      () => controller.abort(new Error(`none in ${limit} ms`)),
      limit,
    );
    try {
      const response = await this.options.fetch(this.base + path, {
        ...init,
        // A POST that is redirected would become a GET.
        redirect: 'manual',
        signal: controller.signal,
      });
      return await readAnswer(response);
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
