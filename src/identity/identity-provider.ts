import { HttpException, UnauthorizedException } from '@nestjs/common';
import type { IncomingMessage } from 'node:http';

export const UNIDENTIFIED = 'No access token';
export const UNAVAILABLE = 'Identity cannot be checked right now';

/** Finds out who sends a request. */
export abstract class Identifier {
  /** The header of requests that tells it; answers vary by it. */
  abstract readonly header: string | undefined;

  /**
   * The owner's id.
   * @throws UnidentifiedException, or IdentityUnavailableException
   */
  abstract identify(request: IncomingMessage): string | Promise<string>;
}

/** 401. The reason is for the client, who may be honest and puzzled; it tells nothing of keys. */
export class UnidentifiedException extends UnauthorizedException {
  readonly headers: Readonly<Record<string, string>>;

  /** @param challenge the header WWW-Authenticate */
  constructor(reason: string, challenge: string) {
    super(reason);
    this.headers = { 'WWW-Authenticate': challenge };
  }
}

/** 503: who it is cannot be checked right now. */
export class IdentityUnavailableException extends HttpException {
  readonly code = 'identity_unavailable';
  readonly headers = { 'Retry-After': '10' };

  constructor(cause: unknown) {
    super(UNAVAILABLE, 503, { cause });
  }
}

export const REPEATED = Symbol('repeated');

/**
 * The value of a header; undefined where it is missing. Node gives the first of
 * several: which one counts would be a guess.
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
