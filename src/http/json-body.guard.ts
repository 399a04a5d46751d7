import {
  BadRequestException,
  type CanActivate,
  type ExecutionContext,
  Injectable,
  SetMetadata,
  UnsupportedMediaTypeException,
} from '@nestjs/common';
import type { IncomingHttpHeaders } from 'node:http';
import {
  hasText,
  isUnusual,
  rememberBody,
  rememberFields,
} from '../json/exact-json.js';
import { type JsonShape, shapeOf } from '../json/json-shape.js';
import { isJsonObject } from '../validation/decorators.js';
import { takeBytes } from './body-bytes.js';
import { type HttpRequest, rawOf } from './request.js';
import { BODY_ERRORS } from './route-errors.js';

/** Most levels of arrays and objects in a body. */
const MAX_JSON_DEPTH = 64;
/** Most values in a body: parsed, each takes up to 100 bytes of memory. */
const MAX_JSON_VALUES = 250_000;

export const NOT_JSON = 'Request body is not valid JSON';
const TOO_DEEP = `JSON must not be nested more than ${MAX_JSON_DEPTH} levels deep`;
const TOO_MANY = `JSON must not hold more than ${MAX_JSON_VALUES} values`;
const NOT_STORABLE =
  'JSON must not hold NUL, lone surrogates or infinite numbers';
const ROUNDED =
  'JSON must not hold integers beyond 2^53: they were rounded before they arrived here';
const SIGN_LOST = 'JSON must not hold -0: it would be returned as 0';

/**
 * Checks the body that the application's parser has read, whichever parser that is.
 *
 * - 415: a body that is not JSON, such as a form, or that no parser has read and
 *   that would be lost.
 * - 400: values that could not be returned as they were sent (NUL and lone
 *   surrogates in text, numbers beyond a double's range), and values that can harm
 *   parsers, validators or other programs (deep nesting, too many values, keys that
 *   reach a prototype). Integers beyond 2^53 and -0 need the text of the body: the service's
 *   own parser remembers it, and in a platform `keepBytes` has it, or
 *   `request.rawBody` with Nest's option `rawBody: true`. Without it, they are
 *   refused.
 */
@Injectable()
export class JsonBodyGuard implements CanActivate {
  canActivate(context: ExecutionContext): true {
    const request = context.switchToHttp().getRequest<RequestWithBody>();
    if (!isJsonOrNothing(request)) {
      throw new UnsupportedMediaTypeException(BODY_ERRORS[415]);
    }
    const { body } = request;
    if (!hasText(body)) {
      const bytes = request.rawBody ?? takeBytes(rawOf(request));
      if (bytes) rememberRaw(body, bytes);
    }
    if (isJsonObject(body)) rememberFields(body);
    const isExact = hasText(body);
    const left = { values: MAX_JSON_VALUES };
    const checked = withoutCuts(body, cutFieldOf(context.getHandler()));
    const levels = MAX_JSON_DEPTH;
    const problem = problemIn(checked, { levels, left, isExact });
    if (problem) throw new BadRequestException(problem);
    return true;
  }
}

const CUT_FIELD = Symbol('field that may be cut');

/** Lets a field of the body begin or end in the middle of a surrogate pair: its text is a piece of a stream. */
export function MayCutPairs(field: string): MethodDecorator {
  return SetMetadata(CUT_FIELD, field);
}

function cutFieldOf(handler: object): string | undefined {
  return Reflect.getMetadata(CUT_FIELD, handler) as string | undefined;
}

/** The body without the halves of pairs at the ends of a field. */
function withoutCuts(body: unknown, field: string | undefined): unknown {
  if (field === undefined || !isJsonObject(body)) return body;
  const text = body[field];
  return typeof text === 'string' && !text.isWellFormed()
    ? {
        ...body,
        [field]: text.replace(/^[\uDC00-\uDFFF]|[\uD800-\uDBFF]$/g, ''),
      }
    : body;
}

type RequestWithBody = HttpRequest & {
  method: string;
  headers: IncomingHttpHeaders;
  body?: unknown;
  rawBody?: Buffer;
};

export function problemOfShape(shape: JsonShape): string | undefined {
  if (shape.depth > MAX_JSON_DEPTH) return TOO_DEEP;
  return shape.values > MAX_JSON_VALUES ? TOO_MANY : undefined;
}

/**
 * Remembers the text of a body that the application's parser has read. Nothing
 * if the parser, or a middleware after it, has made something else of it: it may
 * take other character sets, or trim texts.
 */
function rememberRaw(body: unknown, bytes: Buffer): void {
  const text = bytes.toString();
  if (!isUnusual(text) || problemOfShape(shapeOf(text))) return;
  try {
    if (JSON.stringify(JSON.parse(text)) !== JSON.stringify(body)) return;
  } catch {
    return;
  }
  rememberBody(body, text);
}

interface Allowed {
  /** How many levels of nesting. */
  levels: number;
  /** How many values, in all of the body. */
  left: { values: number };
  /** Whether the text of numbers is known. */
  isExact: boolean;
}

function isJsonOrNothing({ method, headers, body }: RequestWithBody): boolean {
  if (method === 'GET' || method === 'HEAD') return true;
  const length = Number(headers['content-length'] ?? 0);
  if (length === 0 && headers['transfer-encoding'] === undefined) return true;
  const [type = ''] = (headers['content-type'] ?? '').split(';');
  const isUnread = length > 0 && body === undefined;
  return type.trim().toLowerCase() === 'application/json' && !isUnread;
}

function problemIn(value: unknown, allowed: Allowed): string | undefined {
  if (--allowed.left.values < 0) return TOO_MANY;
  if (typeof value === 'string') return problemInText(value);
  if (typeof value === 'number') {
    if (!Number.isFinite(value)) return NOT_STORABLE;
    if (allowed.isExact) return undefined;
    if (Object.is(value, -0)) return SIGN_LOST;
    return isExactNumber(value) ? undefined : ROUNDED;
  }
  if (typeof value !== 'object' || value === null) return undefined;
  if (allowed.levels === 0) return TOO_DEEP;
  const inner = { ...allowed, levels: allowed.levels - 1 };
  if (Array.isArray(value)) return problemAmong(value, inner);
  if (reachesPrototype(value)) return NOT_JSON;
  return (
    Object.keys(value).map(problemInText).find(Boolean) ??
    problemAmong(Object.values(value), inner)
  );
}

function problemInText(text: string): string | undefined {
  return text.isWellFormed() && !text.includes('\0') ? undefined : NOT_STORABLE;
}

/** From 1e21 on, programs write exponents, and so does `JSON.stringify`. */
function isExactNumber(value: number): boolean {
  const size = Math.abs(value);
  return !Number.isInteger(value) || size <= 2 ** 53 - 1 || size >= 1e21;
}

function problemAmong(values: unknown[], allowed: Allowed): string | undefined {
  for (const value of values) {
    const problem = problemIn(value, allowed);
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
