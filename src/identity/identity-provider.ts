import { HttpException, UnauthorizedException } from '@nestjs/common';
import type { IncomingMessage } from 'node:http';
import { IDENTITY_UNAVAILABLE } from '../http/identified.decorator.js';

/** Tells who sent a request. */
export abstract class IdentityProvider {
  /** The request header that identifies the caller, for `Vary`; undefined if there is none. */
  abstract readonly header: string | undefined;

  /**
   * Returns the owner's id.
   * @throws UnidentifiedException if the request proves no identity
   * @throws IdentityUnavailableException if it cannot be checked right now
   */
  abstract identify(request: IncomingMessage): string | Promise<string>;
}

/** 401. The client sees the reason, so it must tell nothing about keys. */
export class UnidentifiedException extends UnauthorizedException {
  readonly headers: Readonly<Record<string, string>>;

  /** @param challenge value of the WWW-Authenticate header */
  constructor(reason: string, challenge: string) {
    super(reason);
    this.headers = { 'WWW-Authenticate': challenge };
  }
}

/** 503 with Retry-After: the identity cannot be checked right now. */
export class IdentityUnavailableException extends HttpException {
  readonly code = 'identity_unavailable';
  readonly headers = { 'Retry-After': '10' };

  constructor(cause: unknown) {
    super(IDENTITY_UNAVAILABLE, 503, { cause });
  }
}
