import { HttpException, UnauthorizedException } from '@nestjs/common';
import type { IncomingMessage } from 'node:http';
import { IDENTITY_UNAVAILABLE } from '../http/identified.decorator.js';

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
  /** @param challenge the header WWW-Authenticate */
  constructor(
    reason: string,
    readonly challenge: string,
  ) {
    super(reason);
  }
}

/** 503: who it is cannot be checked right now. */
export class IdentityUnavailableException extends HttpException {
  readonly retryAfterSeconds = 10;

  constructor(cause: unknown) {
    super(IDENTITY_UNAVAILABLE, 503, { cause });
  }
}
