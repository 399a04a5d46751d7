import { type ExecutionContext, SetMetadata } from '@nestjs/common';
import type { Reflector } from '@nestjs/core';

const PUBLIC = Symbol('public');

/** The route, or all of the controller, asks nobody who they are, and counts no requests. */
export const Public = () => SetMetadata(PUBLIC, true);

export function isPublic(
  reflector: Reflector,
  context: ExecutionContext,
): boolean {
  return (
    reflector.get<true | undefined>(PUBLIC, context.getHandler()) ??
    reflector.get<true | undefined>(PUBLIC, context.getClass()) ??
    false
  );
}
