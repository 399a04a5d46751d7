import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import type { IncomingHttpHeaders } from 'node:http';
import { parseIfMatch } from '../writes/entity-tag.js';
import {
  type KeyedRequest,
  repeatableRequestOf,
} from '../writes/idempotency/idempotency-key.js';
import type { WriteOptions } from '../writes/session-writes.js';

/** The If-None-Match header, or undefined. */
export const IfNoneMatchHeader = createParamDecorator(
  (_, context: ExecutionContext): string | undefined =>
    headersOf(context)['if-none-match'],
);

/** The If-Match header as write options; 400 if it is malformed. */
export const IfMatchHeader = createParamDecorator(
  (_, context: ExecutionContext): Pick<WriteOptions, 'ifMatch'> => ({
    ifMatch: parseIfMatch(headersOf(context)['if-match']),
  }),
);

/** The Idempotency-Key header as write options; 400 if it is malformed. */
export const IdempotencyKeyHeader = createParamDecorator(
  (_, context: ExecutionContext): Pick<WriteOptions, 'request'> => ({
    request: repeatableRequestOf(requestOf(context)),
  }),
);

/** The If-Match and Idempotency-Key headers as write options; 400 if one is malformed. */
export const WriteHeaders = createParamDecorator(
  (_, context: ExecutionContext): WriteOptions => ({
    request: repeatableRequestOf(requestOf(context)),
    ifMatch: parseIfMatch(headersOf(context)['if-match']),
  }),
);

function headersOf(context: ExecutionContext): IncomingHttpHeaders {
  const http = context.switchToHttp();
  return http.getRequest<{ headers: IncomingHttpHeaders }>().headers;
}

function requestOf(context: ExecutionContext): KeyedRequest {
  return context.switchToHttp().getRequest<KeyedRequest>();
}
