import { Injectable } from '@nestjs/common';
import type { IncomingMessage } from 'node:http';
import { Identifier, UnidentifiedException } from './identity-provider.js';

/** A request of either adapter: Express's is Node's own, Fastify keeps that under `raw`. */
export type HttpRequest = IncomingMessage | { raw: IncomingMessage };

const IDENTITY = Symbol('identity');

/** A request that somebody has asked about. */
type Identified = IncomingMessage & {
  [IDENTITY]?: string | UnidentifiedException;
};

/** Who sends each request: found out once, whoever asks first. */
@Injectable()
export class Identities {
  constructor(private readonly identifier: Identifier) {}

  /** The Vary header of responses that depend on the caller. */
  get vary(): { vary?: string } {
    const { header } = this.identifier;
    return header ? { vary: header } : {};
  }

  /** The owner's id, or why there is none. */
  async of(request: HttpRequest): Promise<string | UnidentifiedException> {
    const raw = rawOf(request);
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
  const identity = rawOf(request)[IDENTITY];
  if (typeof identity !== 'string') {
    throw new Error('The request has no owner');
  }
  return identity;
}

function rawOf(request: HttpRequest): Identified {
  return 'raw' in request ? request.raw : request;
}
