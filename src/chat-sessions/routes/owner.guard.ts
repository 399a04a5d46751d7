import {
  type CanActivate,
  createParamDecorator,
  type ExecutionContext,
  Injectable,
  UnauthorizedException,
} from '@nestjs/common';
import { isOpaqueId } from '../../validation/decorators.js';
import { ChatSessionsSettings } from '../options.js';

const OWNER = Symbol('owner');

/** A request that the guard has admitted. */
interface OwnedRequest {
  [OWNER]?: string;
}

/** Admits requests for which the module's option `owner` returns a valid id; others get 401. */
@Injectable()
export class OwnerGuard implements CanActivate {
  constructor(private readonly settings: ChatSessionsSettings) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const request = context.switchToHttp().getRequest<OwnedRequest>();
    const owner = await this.settings.owner(request);
    if (!isOpaqueId(owner)) throw new UnauthorizedException('No identity');
    request[OWNER] = owner;
    return true;
  }
}

/** The caller's id. Every stored row belongs to one owner, and every query filters by it. */
export function ownerOf(context: ExecutionContext): string {
  const { [OWNER]: owner } = context.switchToHttp().getRequest<OwnedRequest>();
  if (owner === undefined) throw new Error('The request has no owner');
  return owner;
}

export const Owner = createParamDecorator(
  (_, context: ExecutionContext): string => ownerOf(context),
);
