import {
  BadRequestException,
  type CanActivate,
  type ExecutionContext,
  Injectable,
} from '@nestjs/common';
import { isJsonObject } from './decorators.js';

/** Levels of arrays and objects in a body. */
export const MAX_JSON_DEPTH = 64;

export const NOT_JSON = 'Request body is not valid JSON';
export const TOO_DEEP = `JSON must not be nested more than ${MAX_JSON_DEPTH} levels deep`;
const NOT_STORABLE =
  'JSON must not hold NUL, lone surrogates or infinite numbers';

/**
 * Refuses with 400 what could not be given back as it was sent: NUL and lone
 * surrogates in text, numbers beyond a double's range; and what parsers,
 * validators or other programs may stumble over: deep nesting, keys that reach
 * for a prototype. It looks at bodies that are parsed already, by whatever
 * parser the application has.
 */
@Injectable()
export class StorableBodyGuard implements CanActivate {
  canActivate(context: ExecutionContext): true {
    const { body } = context.switchToHttp().getRequest<{ body?: unknown }>();
    const mistake = mistakeIn(body, MAX_JSON_DEPTH);
    if (mistake) throw new BadRequestException(mistake);
    return true;
  }
}

/** @param levels that are left to go down */
function mistakeIn(value: unknown, levels: number): string | undefined {
  if (typeof value === 'string') {
    return value.isWellFormed() && !value.includes('\0')
      ? undefined
      : NOT_STORABLE;
  }
  if (typeof value === 'number') {
    return Number.isFinite(value) ? undefined : NOT_STORABLE;
  }
  if (typeof value !== 'object' || value === null) return undefined;
  if (levels === 0) return TOO_DEEP;
  if (Array.isArray(value)) return mistakeAmong(value, levels - 1);
  if (reachesForPrototype(value)) return NOT_JSON;
  return (
    mistakeAmong(Object.keys(value), levels) ??
    mistakeAmong(Object.values(value), levels - 1)
  );
}

function mistakeAmong(values: unknown[], levels: number): string | undefined {
  for (const value of values) {
    const mistake = mistakeIn(value, levels);
    if (mistake) return mistake;
  }
  return undefined;
}

function reachesForPrototype(value: object): boolean {
  if (Object.hasOwn(value, '__proto__')) return true;
  if (!Object.hasOwn(value, 'constructor')) return false;
  const { constructor } = value as { constructor: unknown };
  return isJsonObject(constructor) && Object.hasOwn(constructor, 'prototype');
}
