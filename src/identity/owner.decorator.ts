import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import { ownerOf } from './identities.js';

/** The caller's id. Everything stored belongs to one, and every query carries it. */
export const Owner = createParamDecorator(
  (_, context: ExecutionContext): string =>
    ownerOf(context.switchToHttp().getRequest<object>()),
);
