import { Injectable } from '@nestjs/common';
import type { IncomingMessage } from 'node:http';
import { Identifier, UnidentifiedException } from './identifier.js';

/** A request of either adapter: Express's is Node's own, Fastify keeps that under `raw`. */
export type HttpRequest = IncomingMessage | { raw: IncomingMessage };

/** Who sent each request; found out once a request, whoever asks first. */
@Injectable()
export class Identities {
  private readonly known = new WeakMap<
    object,
    string | UnidentifiedException
  >();

  constructor(private readonly identifier: Identifier) {}

  /** The owner's id, or why there is none. */
  async of(request: HttpRequest): Promise<string | UnidentifiedException> {
    const known = this.known.get(request);
    if (known !== undefined) return known;
    const identity = await this.identify(
      'raw' in request ? request.raw : request,
    );
    this.known.set(request, identity);
    if (typeof identity === 'string') owners.set(request, identity);
    return identity;
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

const owners = new WeakMap<object, string>();

/** The owner that the guard found. A route that the guard does not guard has none. */
export function ownerOf(request: object): string {
  const owner = owners.get(request);
  if (owner === undefined) throw new Error('The request has no owner');
  return owner;
}
