import { createHash } from 'node:crypto';
import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import {
  type HttpRequest,
  REPEATED,
  singleHeader,
} from '../../../http/request.js';
import { ValidationFailedException } from '../../../validation/dto.pipe.js';

/** A write that its client may send again. */
export interface RepeatableRequest {
  /** The Idempotency-Key: 1 to 255 printable ASCII characters. */
  key: string;
  /** SHA-256, in hex, of method, path and body. */
  hash: string;
}

/** What the adapters' requests have in common. */
type Request = HttpRequest & {
  method: string;
  /** With the prefix of a router that it passed, which `url` lacks on Express. */
  originalUrl: string;
  body?: unknown;
};

export const IDEMPOTENCY_KEY_LENGTH = 255;
/** No space at either end: HTTP has none there, and to MySQL `a` and `a ` are equal. */
export const IDEMPOTENCY_KEY = /^[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?$/;

/** The header Idempotency-Key with the request that it is for, undefined where there is none; 400 where it is malformed. */
export const IdempotencyKeyHeader = createParamDecorator(
  (_, context: ExecutionContext): RepeatableRequest | undefined => {
    const request = context.switchToHttp().getRequest<Request>();
    const key = singleHeader(
      'raw' in request ? request.raw : request,
      'Idempotency-Key',
    );
    if (key === undefined) return undefined;
    if (key === REPEATED) {
      throw new ValidationFailedException([
        'Idempotency-Key must be given once',
      ]);
    }
    if (key.length > IDEMPOTENCY_KEY_LENGTH || !IDEMPOTENCY_KEY.test(key)) {
      throw new ValidationFailedException([
        `Idempotency-Key must be 1 to ${IDEMPOTENCY_KEY_LENGTH} printable ASCII characters`,
      ]);
    }
    return { key, hash: hashOf(request) };
  },
);

function hashOf({ method, originalUrl, body = null }: Request): string {
  const [path] = originalUrl.split('?');
  return createHash('sha256')
    .update(`${method} ${path}\n${JSON.stringify(body)}`)
    .digest('hex');
}
