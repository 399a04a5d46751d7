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

/** A request that the guard has let in. */
interface Owned {
  [OWNER]: string;
}

/** Lets in who has an owner's id, by the module's option `owner`, and nobody else. */
@Injectable()
export class OwnerGuard implements CanActivate {
  constructor(private readonly settings: ChatSessionsSettings) {}

  canActivate(context: ExecutionContext): true | Promise<true> {
    const request = context.switchToHttp().getRequest<Owned>();
    const owner = this.settings.owner(request);
    // Most owners are known at once, and then nothing is waited for.
    return typeof owner === 'string' || owner == null
      ? letIn(request, owner)
      : Promise.resolve(owner).then((known) => letIn(request, known));
  }
}

function letIn(request: Owned, owner: unknown): true {
  if (!isOpaqueId(owner)) throw new UnauthorizedException('No identity');
  request[OWNER] = owner;
  return true;
}

/** The caller's id. Everything stored belongs to one, and every query carries it. */
export const Owner = createParamDecorator(
  (_, context: ExecutionContext): string => {
    const { [OWNER]: owner } = context
      .switchToHttp()
      .getRequest<Partial<Owned>>();
    if (owner === undefined) throw new Error('The request has no owner');
    return owner;
  },
);
