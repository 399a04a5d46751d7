import { createHash } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import { ValidationFailedException } from '../validation/dto.pipe.js';

/** A write that its client may send again. */
export interface RepeatableRequest {
  /** The Idempotency-Key: 1 to 255 printable ASCII characters. */
  key: string;
  /** SHA-256, in hex, of method, path and body. */
  hash: string;
}

interface HttpRequest {
  method: string;
  url: string;
  /** With the prefix of a router that it passed, on Express. */
  originalUrl?: string;
  headers: IncomingHttpHeaders;
  body?: unknown;
}

const PRINTABLE_ASCII = /^[\x20-\x7e]{1,255}$/;

/** The header Idempotency-Key with the request that it is for, undefined where there is none; 400 where it is malformed. */
export const IdempotencyKeyHeader = createParamDecorator(
  (_, context: ExecutionContext): RepeatableRequest | undefined => {
    const request = context.switchToHttp().getRequest<HttpRequest>();
    const key = request.headers['idempotency-key'];
    if (key === undefined) return undefined;
    if (typeof key !== 'string' || !PRINTABLE_ASCII.test(key)) {
      throw new ValidationFailedException([
        'Idempotency-Key must be 1 to 255 printable ASCII characters',
      ]);
    }
    return { key, hash: hashOf(request) };
  },
);

function hashOf({ method, originalUrl, url, body = null }: HttpRequest) {
  const [path] = (originalUrl ?? url).split('?');
  return createHash('sha256')
    .update(`${method} ${path}\n${JSON.stringify(body)}`)
    .digest('hex');
}
