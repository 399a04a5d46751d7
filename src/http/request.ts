import type { IncomingMessage } from 'node:http';

/** A request of either adapter: Express hands out Node's own, Fastify wraps it as `raw`. */
export type HttpRequest = IncomingMessage | { raw: IncomingMessage };

export function rawOf(request: HttpRequest): IncomingMessage {
  return 'raw' in request ? request.raw : request;
}

/** Whether a body follows the headers. */
export function hasBody({ headers }: IncomingMessage): boolean {
  return 'content-length' in headers || 'transfer-encoding' in headers;
}

export const REPEATED = Symbol('repeated');

/**
 * The value of a header; undefined if it is missing, `REPEATED` if it was sent
 * more than once. Node keeps only the first of several values, and choosing one
 * would be a guess.
 */
export function singleHeader(
  { rawHeaders }: IncomingMessage,
  header: string,
): string | undefined | typeof REPEATED {
  const name = header.toLowerCase();
  const values = rawHeaders.filter(
    (_, index) =>
      index % 2 === 1 && rawHeaders[index - 1]?.toLowerCase() === name,
  );
  return values.length > 1 ? REPEATED : values[0];
}
