import { type ExecutionContext, SetMetadata } from '@nestjs/common';
import type { Reflector } from '@nestjs/core';

const PUBLIC = Symbol('public');

/** The route, or all of the controller, asks nobody who they are, and counts no requests. */
export const Public = () => SetMetadata(PUBLIC, true);

export function isPublic(
  reflector: Reflector,
  context: ExecutionContext,
): boolean {
  const targets = [context.getHandler(), context.getClass()];
  return !!reflector.getAllAndOverride<boolean>(PUBLIC, targets);
}
