import { type ExecutionContext, SetMetadata } from '@nestjs/common';
import type { Reflector } from '@nestjs/core';

const PUBLIC = Symbol('public');

/** Opens a route, or all routes of a controller: callers are not identified, and their requests are not counted. */
export const Public = () => SetMetadata(PUBLIC, true);

export function isPublic(
  reflector: Reflector,
  context: ExecutionContext,
): boolean {
  const targets = [context.getHandler(), context.getClass()];
  return !!reflector.getAllAndOverride<boolean>(PUBLIC, targets);
}
