import {
  BadRequestException,
  type CanActivate,
  type ExecutionContext,
  Injectable,
  UnsupportedMediaTypeException,
} from '@nestjs/common';
import type { IncomingHttpHeaders } from 'node:http';
import { isJsonObject } from '../validation/decorators.js';
import { BODY_ERRORS } from './route-errors.js';

/** Most levels of arrays and objects in a body. */
export const MAX_JSON_DEPTH = 64;

export const NOT_JSON = 'Request body is not valid JSON';
export const TOO_DEEP = `JSON must not be nested more than ${MAX_JSON_DEPTH} levels deep`;
const NOT_STORABLE =
  'JSON must not hold NUL, lone surrogates or infinite numbers';

/**
 * Checks the body that the application's parser has read, whichever parser that is.
 *
 * - 415: a body that is not JSON, such as a form, or that no parser has read and
 *   that would be lost.
 * - 400: values that could not be returned as they were sent (NUL and lone
 *   surrogates in text, numbers beyond a double's range), and values that can harm
 *   parsers, validators or other programs (deep nesting, keys that reach a
 *   prototype).
 */
@Injectable()
export class JsonBodyGuard implements CanActivate {
  canActivate(context: ExecutionContext): true {
    const request = context.switchToHttp().getRequest<RequestWithBody>();
    if (!isJsonOrNothing(request)) {
      throw new UnsupportedMediaTypeException(BODY_ERRORS[415]);
    }
    const problem = problemIn(request.body, MAX_JSON_DEPTH);
    if (problem) throw new BadRequestException(problem);
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

/** @param levels how many levels of nesting are still allowed */
function problemIn(value: unknown, levels: number): string | undefined {
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
  if (Array.isArray(value)) return problemAmong(value, levels - 1);
  if (reachesPrototype(value)) return NOT_JSON;
  return (
    problemAmong(Object.keys(value), levels) ??
    problemAmong(Object.values(value), levels - 1)
  );
}

function problemAmong(values: unknown[], levels: number): string | undefined {
  for (const value of values) {
    const problem = problemIn(value, levels);
    if (problem) return problem;
  }
  return undefined;
}

function reachesPrototype(value: object): boolean {
  if (Object.hasOwn(value, '__proto__')) return true;
  if (!Object.hasOwn(value, 'constructor')) return false;
  const { constructor } = value as { constructor: unknown };
  return isJsonObject(constructor) && Object.hasOwn(constructor, 'prototype');
}
