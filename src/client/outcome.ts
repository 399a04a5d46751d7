/** The outcome of one try of a request. */
export interface Outcome {
  /** Undefined if there was no response; `cause` tells why. */
  status: number | undefined;
  headers: Headers;
  /** The parsed JSON; undefined if the body is empty or not JSON. */
  body: unknown;
  cause?: unknown;
}

const WITHOUT_BODY = new Set<number | undefined>([204, 304]);
const TRANSIENT = new Set([undefined, 408, 429, 500, 502, 503, 504]);

export async function readOutcome(response: Response): Promise<Outcome> {
  const { status, headers } = response;
  // Read the body whatever the status, or the connection could not be used again.
  return { status, headers, body: parseJson(await response.text()) };
}

/** Whether the request succeeded and the response has the body it should have. */
export function isSuccess({ status, body }: Outcome): boolean {
  if (WITHOUT_BODY.has(status)) return true;
  return isWithin(200, status, 299) && body !== undefined;
}

/** Whether the outcome proves that nothing was done. */
export function isRefusal(outcome: Outcome): boolean {
  const { status } = outcome;
  // Browsers report a redirect that is not followed as status 0.
  if (status === 0) return true;
  return isWithin(300, status, 499) && !isRunning(outcome);
}

/** Whether another try may have another outcome. */
export function isTransient(outcome: Outcome): boolean {
  return TRANSIENT.has(outcome.status) || isRunning(outcome);
}

/** Whether the first request with this Idempotency-Key is still running. No other 409 has Retry-After. */
function isRunning({ status, headers }: Outcome): boolean {
  return status === 409 && headers.has('Retry-After');
}

/** Returns Retry-After in seconds. The header holds seconds or a date. */
export function retryAfterOf({ headers }: Outcome): number | undefined {
  const value = headers.get('Retry-After');
  if (!value) return undefined;
  if (/^\d+$/.test(value)) return Number(value);
  const seconds = (Date.parse(value) - Date.now()) / 1000;
  return Number.isNaN(seconds) ? undefined : Math.max(Math.ceil(seconds), 0);
}

/** Returns the `error` of the body, or the reason why there was no response. */
export function textOf({ status, body, cause }: Outcome): string {
  if (status === undefined) return reasonOf(cause);
  const { error } = Object(body) as { error?: unknown };
  return typeof error === 'string' ? error : 'no reason given';
}

/** Returns the `code` of the body. */
export function codeOf({ body }: Outcome): string | undefined {
  const { code } = Object(body) as { code?: unknown };
  return typeof code === 'string' ? code : undefined;
}

/** Returns the `details` of the body. */
export function detailsOf({ body }: Outcome): string[] {
  const { details } = Object(body) as { details?: unknown };
  return Array.isArray(details) ? details.map(String) : [];
}

function isWithin(
  first: number,
  status: number | undefined,
  last: number,
): boolean {
  return status !== undefined && first <= status && status <= last;
}

/** Returns undefined for a body that is not JSON, such as a page of a proxy. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

/** The message of fetch in Node.js is "fetch failed"; the reason is in its cause. */
function reasonOf(error: unknown): string {
  const { cause = error } = Object(error) as { cause?: unknown };
  const { code, message } = Object(cause) as Record<string, unknown>;
  return String(typeof code === 'string' ? code : (message ?? cause));
}
