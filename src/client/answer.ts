/** What came of one try. */
export interface Answer {
  /** Undefined where there was no answer, of which `cause` is the reason. */
  status: number | undefined;
  headers: Headers;
  /** Undefined where it is empty or not JSON. */
  body: unknown;
  cause?: unknown;
}

const WITHOUT_BODY = new Set<number | undefined>([204, 304]);
const MAY_PASS = new Set([undefined, 408, 429, 500, 502, 503, 504]);

export async function readAnswer(response: Response): Promise<Answer> {
  const { status, headers } = response;
  // Read whatever the status, or the connection could not be used again.
  return { status, headers, body: parseJson(await response.text()) };
}

/** Whether it is what was asked for. */
export function isGood({ status, body }: Answer): boolean {
  if (WITHOUT_BODY.has(status)) return true;
  return isWithin(200, status, 299) && body !== undefined;
}

/** Whether it tells that nothing was done. */
export function isRefusal(answer: Answer): boolean {
  const { status } = answer;
  // Of a redirect that is not followed, a browser says 0.
  if (status === 0) return true;
  return isWithin(300, status, 499) && !isRunning(answer);
}

/** Whether another try may get another answer. */
export function mayPass(answer: Answer): boolean {
  return MAY_PASS.has(answer.status) || isRunning(answer);
}

/** Whether the first request with this Idempotency-Key still runs; no other conflict says when to come back. */
function isRunning({ status, headers }: Answer): boolean {
  return status === 409 && headers.has('Retry-After');
}

/** A Retry-After, which is seconds or a date, in seconds. */
export function retryAfterOf({ headers }: Answer): number | undefined {
  const value = headers.get('Retry-After');
  if (!value) return undefined;
  if (/^\d+$/.test(value)) return Number(value);
  const seconds = (Date.parse(value) - Date.now()) / 1000;
  return Number.isNaN(seconds) ? undefined : Math.max(Math.ceil(seconds), 0);
}

/** What the service says is wrong, or why there is no answer. */
export function textOf({ status, body, cause }: Answer): string {
  if (status === undefined) return reasonOf(cause);
  const { error } = Object(body) as { error?: unknown };
  return typeof error === 'string' ? error : 'without a reason';
}

export function detailsOf({ body }: Answer): string[] {
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

/** Undefined where it is not the service that answers, but something in between. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

/** fetch of Node.js says "fetch failed", and keeps what happened in the cause. */
function reasonOf(error: unknown): string {
  const { cause = error } = Object(error) as { cause?: unknown };
  const { code, message } = Object(cause) as Record<string, unknown>;
  return String(typeof code === 'string' ? code : (message ?? cause));
}
