import {
  type CanActivate,
  type ExecutionContext,
  Injectable,
} from '@nestjs/common';
import { HttpAdapterHost, Reflector } from '@nestjs/core';
import { IdentityProvider } from './identity-provider.js';
import { isPublic } from './public.decorator.js';
import { RequestIdentity } from './request-identity.js';

/** Answers 401 to callers that are not identified, except on routes that are `@Public()`. */
@Injectable()
export class IdentityGuard implements CanActivate {
  constructor(
    private readonly adapterHost: HttpAdapterHost,
    private readonly provider: IdentityProvider,
    private readonly identity: RequestIdentity,
    private readonly reflector: Reflector,
  ) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    if (isPublic(this.reflector, context)) return true;
    const http = context.switchToHttp();
    const { header } = this.provider;
    if (header) {
      const { httpAdapter } = this.adapterHost;
      httpAdapter.appendHeader(http.getResponse(), 'Vary', header);
    }
    await this.identity.getOwner(http.getRequest());
    return true;
  }
}
