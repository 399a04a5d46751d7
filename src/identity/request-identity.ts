import { Injectable } from '@nestjs/common';
import type { IncomingMessage } from 'node:http';
import { type HttpRequest, rawOf } from '../http/request.js';
import {
  IdentityProvider,
  UnidentifiedException,
} from './identity-provider.js';

const IDENTITY = Symbol('identity');

/** A request whose sender has been looked up. */
type Identified = IncomingMessage & {
  [IDENTITY]?: string | UnidentifiedException;
};

/** The identity of each request. The provider is asked once a request; the result stays with the request. */
@Injectable()
export class RequestIdentity {
  constructor(private readonly provider: IdentityProvider) {}

  /** The request header that responses vary by, if they depend on the caller. */
  get vary(): string | undefined {
    return this.provider.header;
  }

  /**
   * Returns the owner's id.
   * @throws UnidentifiedException, IdentityUnavailableException
   */
  async getOwner(request: HttpRequest): Promise<string> {
    const identity = await this.identify(request);
    if (identity instanceof UnidentifiedException) throw identity;
    return identity;
  }

  /**
   * Returns the owner's id, undefined if the caller is not identified.
   * @throws IdentityUnavailableException
   */
  async findOwner(request: HttpRequest): Promise<string | undefined> {
    const identity = await this.identify(request);
    return identity instanceof UnidentifiedException ? undefined : identity;
  }

  private async identify(
    request: HttpRequest,
  ): Promise<string | UnidentifiedException> {
    const raw: Identified = rawOf(request);
    return (raw[IDENTITY] ??= await this.ask(raw));
  }

  private async ask(
    request: IncomingMessage,
  ): Promise<string | UnidentifiedException> {
    try {
      return await this.provider.identify(request);
    } catch (error) {
      if (error instanceof UnidentifiedException) return error;
      throw error;
    }
  }
}

/**
 * Returns the owner's id that `IdentityGuard` has found.
 * @throws Error if the guard did not run for this route
 */
export function ownerOf(request: HttpRequest): string {
  const { [IDENTITY]: identity }: Identified = rawOf(request);
  if (typeof identity !== 'string') {
    throw new Error('The request has no owner');
  }
  return identity;
}
