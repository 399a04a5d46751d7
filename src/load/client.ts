import { setTimeout as sleep } from 'node:timers/promises';

const TRIES = 5;
const FIRST_PAUSE_MS = 250;
/** A server that asks for more patience than this gets none. */
const LONGEST_PAUSE_MS = 5 * 60_000;
/** Longer than the service takes to answer anything, if only with 503. */
const TIMEOUT_MS = 30_000;
const NO_ANSWER = 0;
const MAY_PASS = new Set([NO_ANSWER, 408, 429, 502, 503, 504]);
const NO_CONNECTION =
  /^(ECONNREFUSED|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH|UND_ERR_CONNECT_TIMEOUT)$/;

/** There is no server to talk to: other requests would fare no better. */
export class UnreachableError extends Error {}

interface Reply {
  status: number;
  /** The body; the error's code where there was no answer. */
  text: string;
  retryAfterMs: number;
}

interface ErrorBody {
  error: string;
  details: string[];
}

/**
 * Sends requests, and sends them again after what may pass. Only for what is
 * safe to repeat: reads, and writes whose ids the client has chosen.
 */
export class Client {
  private readonly base: string;
  private answers = 0;

  constructor(
    url: string,
    private readonly token?: string,
  ) {
    this.base = url.endsWith('/') ? url : `${url}/`;
  }

  get(path: string): Promise<unknown> {
    return this.request('GET', path);
  }

  post(path: string, body: object): Promise<unknown> {
    return this.request('POST', path, JSON.stringify(body));
  }

  private async request(method: string, path: string, body?: string) {
    const answersBefore = this.answers;
    for (let tries = 1; ; tries++) {
      const { status, text, retryAfterMs } = await this.send(
        method,
        path,
        body,
      );
      if (status >= 200 && status < 300) return JSON.parse(text) as unknown;
      const pause = retryAfterMs + backoff(tries);
      if (MAY_PASS.has(status) && tries < TRIES && pause <= LONGEST_PAUSE_MS) {
        await sleep(pause);
      } else if (status !== NO_ANSWER) {
        throw new Error(reasonOf(status, text));
      } else {
        // A server that hung up on this request may still answer others.
        const unreachable =
          this.answers === 0 ||
          (this.answers === answersBefore && NO_CONNECTION.test(text));
        if (!unreachable) throw new Error(`no answer: ${text}`);
        throw new UnreachableError(`cannot reach ${this.base}: ${text}`);
      }
    }
  }

  private async send(
    method: string,
    path: string,
    body?: string,
  ): Promise<Reply> {
    // AbortSignal.timeout() would not keep the process alive, nor does fetch where
    // a server accepts and hangs up at once: on Node 20 it may never settle then.
    const timeout = new AbortController();
    const timer = setTimeout(
      () => timeout.abort(new Error(`none in ${TIMEOUT_MS / 1000} s`)),
      TIMEOUT_MS,
    );
    try {
      const response = await fetch(this.base + path, {
        method,
        body,
        headers: {
          ...(body && { 'content-type': 'application/json' }),
          ...(this.token && { authorization: `Bearer ${this.token}` }),
        },
        // A POST that is redirected would become a GET.
        redirect: 'manual',
        signal: timeout.signal,
      });
      // Read whatever the status, or the connection could not be used again.
      const text = await response.text();
      this.answers++;
      const retryAfterMs = toMilliseconds(response.headers.get('retry-after'));
      return { status: response.status, text, retryAfterMs };
    } catch (error) {
      return { status: NO_ANSWER, text: codeOf(error), retryAfterMs: 0 };
    } finally {
      clearTimeout(timer);
    }
  }
}

/** Doubles from try to try; half of it random, so that what failed together does not return together. */
function backoff(tries: number): number {
  return FIRST_PAUSE_MS * 2 ** (tries - 1) * (0.5 + Math.random() / 2);
}

/** A Retry-After, which is seconds or a date; 0 where there is none. */
function toMilliseconds(retryAfter: string | null): number {
  if (!retryAfter) return 0;
  if (/^\d+$/.test(retryAfter)) return Number(retryAfter) * 1000;
  return Math.max(Date.parse(retryAfter) - Date.now(), 0) || 0;
}

/** fetch says "fetch failed" and keeps what happened in the cause. */
function codeOf(error: unknown): string {
  const { cause = error } = error as Error;
  const { code, message } = cause as NodeJS.ErrnoException;
  return typeof code === 'string' ? code : message;
}

function reasonOf(status: number, text: string): string {
  try {
    const { error, details = [] } = JSON.parse(text) as Partial<ErrorBody>;
    if (error) return [`${status} ${error}`, ...details.slice(0, 3)].join('; ');
  } catch {
    // Not the service that answers, but something in between.
  }
  return `${status} without a reason`;
}
