import type { IncomingHttpHeaders } from 'node:http';
import {
  BadRequestException,
  type CanActivate,
  type ExecutionContext,
  Injectable,
  UnsupportedMediaTypeException,
} from '@nestjs/common';
import { BODY_ERRORS } from './route-errors.js';
import { isJsonObject } from '../validation/decorators.js';

/** Levels of arrays and objects in a body. */
export const MAX_JSON_DEPTH = 64;

export const NOT_JSON = 'Request body is not valid JSON';
export const TOO_DEEP = `JSON must not be nested more than ${MAX_JSON_DEPTH} levels deep`;
const NOT_STORABLE =
  'JSON must not hold NUL, lone surrogates or infinite numbers';

/**
 * Refuses with 415 a body that is not JSON: a form, or what no parser of the
 * application has read and would be lost. Refuses with 400 what could not be
 * given back as it was sent: NUL and lone surrogates in text, numbers beyond a
 * double's range; and what parsers, validators or other programs may stumble
 * over: deep nesting, keys that reach for a prototype. It looks at bodies that
 * are parsed already, by whatever parser the application has.
 */
@Injectable()
export class JsonBodyGuard implements CanActivate {
  canActivate(context: ExecutionContext): true {
    const request = context.switchToHttp().getRequest<RequestWithBody>();
    if (!isJsonOrNothing(request)) {
      throw new UnsupportedMediaTypeException(BODY_ERRORS[415]);
    }
    const mistake = mistakeIn(request.body, MAX_JSON_DEPTH);
    if (mistake) throw new BadRequestException(mistake);
    return true;
  }
}

interface RequestWithBody {
  method: string;
  headers: IncomingHttpHeaders;
  body?: unknown;
}

function isJsonOrNothing({ method, headers, body }: RequestWithBody): boolean {
  if (method === 'GET' || method === 'HEAD') return true;
  const length = Number(headers['content-length'] ?? 0);
  if (length === 0 && headers['transfer-encoding'] === undefined) return true;
  const [type = ''] = (headers['content-type'] ?? '').split(';');
  const isUnread = length > 0 && body === undefined;
  return type.trim().toLowerCase() === 'application/json' && !isUnread;
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
