import { createHash } from 'node:crypto';
import {
  type HttpRequest,
  rawOf,
  REPEATED,
  singleHeader,
} from '../../../http/request.js';
import {
  canonicalJsonOf,
  hasText,
  sortedJsonOf,
} from '../../../json/exact-json.js';
import { ValidationFailedException } from '../../../validation/dto.pipe.js';

/** A write that its client may send again. */
export interface RepeatableRequest {
  /** The Idempotency-Key: 1 to 255 printable ASCII characters. */
  key: string;
  /** SHA-256 in hex of method, path and body; the order of the body's keys does not count. */
  hash: string;
  /** The hash that the version before records, which rounds numbers; undo a day after every instance does so. */
  formerHash?: string;
}

/** A request of either adapter. */
export type KeyedRequest = HttpRequest & {
  method: string;
  /** Complete: on Express, `url` lacks the prefix of a router. */
  originalUrl: string;
  body?: unknown;
};

export const IDEMPOTENCY_KEY_LENGTH = 255;
/** Has no space at either end: HTTP strips it, and MySQL takes `a` and `a ` for equal. */
export const IDEMPOTENCY_KEY = /^[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?$/;

/** The request with its Idempotency-Key, or undefined without one; throws 400 if it is malformed. */
export function repeatableRequestOf(
  request: KeyedRequest,
): RepeatableRequest | undefined {
  const key = singleHeader(rawOf(request), 'Idempotency-Key');
  if (key === undefined) return undefined;
  if (key === REPEATED) {
    throw new ValidationFailedException(['Idempotency-Key must be given once']);
  }
  if (key.length > IDEMPOTENCY_KEY_LENGTH || !IDEMPOTENCY_KEY.test(key)) {
    throw new ValidationFailedException([
      `Idempotency-Key must be 1 to ${IDEMPOTENCY_KEY_LENGTH} printable ASCII characters`,
    ]);
  }
  const { method, originalUrl, body = null } = request;
  const [path] = originalUrl.split('?');
  const hashOf = (json: string) =>
    createHash('sha256').update(`${method} ${path}\n${json}`).digest('hex');
  const rounded = hashOf(sortedJsonOf(body));
  if (!hasText(body)) return { key, hash: rounded };
  // No body without a text has this hash, whatever its numbers round to.
  const hash = hashOf(`exact ${canonicalJsonOf(body)}`);
  return { key, hash, formerHash: rounded };
}
