import { Injectable } from '@nestjs/common';
import type { IncomingMessage } from 'node:http';
import { type HttpRequest, rawOf } from '../http/request.js';
import { Identifier, UnidentifiedException } from './identity-provider.js';

const IDENTITY = Symbol('identity');

/** A request that somebody has asked about. */
type Identified = IncomingMessage & {
  [IDENTITY]?: string | UnidentifiedException;
};

/** Who sends each request: found out once, whoever asks first. */
@Injectable()
export class Identities {
  constructor(private readonly identifier: Identifier) {}

  /** The owner's id, or why there is none. */
  async of(request: HttpRequest): Promise<string | UnidentifiedException> {
    const raw: Identified = rawOf(request);
    return (raw[IDENTITY] ??= await this.identify(raw));
  }

  /** The owner's id, where there is one. */
  async find(request: HttpRequest): Promise<string | undefined> {
    const identity = await this.of(request);
    return typeof identity === 'string' ? identity : undefined;
  }

  private async identify(
    request: IncomingMessage,
  ): Promise<string | UnidentifiedException> {
    try {
      return await this.identifier.identify(request);
    } catch (error) {
      if (error instanceof UnidentifiedException) return error;
      throw error;
    }
  }
}

/** The owner that the guard found. A route that the guard does not guard has none. */
export function ownerOf(request: HttpRequest): string {
  const { [IDENTITY]: identity }: Identified = rawOf(request);
  if (typeof identity !== 'string') {
    throw new Error('The request has no owner');
  }
  return identity;
}
