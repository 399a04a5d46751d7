import {
  type CanActivate,
  type ExecutionContext,
  Injectable,
} from '@nestjs/common';
import { HttpAdapterHost, Reflector } from '@nestjs/core';
import { Identifier } from './identity-provider.js';
import { Identities } from './request-identity.js';
import { isPublic } from './public.decorator.js';

/** Lets nobody in who is not identified, but for routes that are `@Public()`. */
@Injectable()
export class IdentityGuard implements CanActivate {
  constructor(
    private readonly adapterHost: HttpAdapterHost,
    private readonly identifier: Identifier,
    private readonly identities: Identities,
    private readonly reflector: Reflector,
  ) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    if (isPublic(this.reflector, context)) return true;
    const http = context.switchToHttp();
    const { header } = this.identifier;
    if (header) {
      const { httpAdapter } = this.adapterHost;
      httpAdapter.appendHeader(http.getResponse(), 'Vary', header);
    }
    const identity = await this.identities.of(http.getRequest());
    if (typeof identity !== 'string') throw identity;
    return true;
  }
}
