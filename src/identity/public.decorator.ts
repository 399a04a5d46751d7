import { type ExecutionContext, SetMetadata } from '@nestjs/common';
import type { Reflector } from '@nestjs/core';

const PUBLIC = Symbol('public');

/** The route asks nobody who they are, and counts no requests. */
export const Public = () => SetMetadata(PUBLIC, true);

const known = new Map<Function, boolean>();

/** Asked several times a request, and looked up once a handler. */
export function isPublic(
  reflector: Reflector,
  context: ExecutionContext,
): boolean {
  const handler = context.getHandler();
  let result = known.get(handler);
  if (result === undefined) {
    const targets = [handler, context.getClass()];
    result = !!reflector.getAllAndOverride<boolean>(PUBLIC, targets);
    known.set(handler, result);
  }
  return result;
}
