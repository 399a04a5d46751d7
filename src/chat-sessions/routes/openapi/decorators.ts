import {
  ApiHeader,
  ApiParam,
  ApiResponse,
  getSchemaPath,
} from '@nestjs/swagger';
import {
  MESSAGE_ID,
  OPAQUE_ID,
  OPAQUE_ID_LENGTH,
} from '../../../validation/decorators.js';
import { BODY_ERRORS } from '../../../http/route-errors.js';
import { retryAfter } from '../../../http/identified.decorator.js';
import { IF_MATCH } from '../../writes/entity-tag.js';
import { ERROR_TEXTS } from '../../errors.js';
import { EXAMPLES } from './examples.js';
import {
  IDEMPOTENCY_KEY,
  IDEMPOTENCY_KEY_LENGTH,
} from '../../writes/idempotency/idempotency-key.js';

export const NOT_FOUND = 'Chat session not found';

const etag = {
  ETag: {
    description: 'The strong entity tag of the session.',
    schema: { type: 'string', example: '"1795392123456-2"' },
  },
} as const;

export function ApiSessionId(): MethodDecorator {
  return ApiParam({
    name: 'session_id',
    description: 'A UUID, in any case.',
    schema: {
      type: 'string',
      format: 'uuid',
      example: EXAMPLES.sessionId,
    },
  });
}

export function ApiMessageId(): MethodDecorator {
  return ApiParam({
    name: 'message_id',
    description: "The message's own id, unique in its session.",
    schema: {
      type: 'string',
      pattern: MESSAGE_ID.source,
      example: EXAMPLES.messageId,
    },
  });
}

export function ApiOpaqueId(
  name: string,
  description: string,
  example: string,
): MethodDecorator {
  return ApiParam({
    name,
    description,
    schema: {
      type: 'string',
      minLength: 1,
      maxLength: OPAQUE_ID_LENGTH,
      pattern: OPAQUE_ID.source,
      example,
    },
  });
}

const replayed = {
  'Idempotent-Replayed': {
    description:
      '`true` where the request with this Idempotency-Key was done before.',
    schema: { type: 'boolean', example: true },
  },
} as const;

type Class = new () => object;

/** An answer's body: of the class, or of one of several. */
interface AnswerBody {
  type?: Class | Class[];
  example?: object;
  /** By what they are of. */
  examples?: Record<string, object>;
}

/** A success that carries the session's ETag. */
export function ApiVersioned(
  status: number,
  description: string,
  body: AnswerBody = {},
): MethodDecorator {
  const headers = etag;
  return ApiResponse({ status, description, headers, ...documented(body) });
}

/** Likewise, of a write with `ApiIdempotencyKey`. */
export function ApiWritten(
  status: number,
  description: string,
  body: AnswerBody,
): MethodDecorator {
  const headers = { ...etag, ...replayed };
  return ApiResponse({ status, description, headers, ...documented(body) });
}

/** Without keys that are undefined: an answer without a body has none of them. */
function documented({ type, example, examples }: AnswerBody) {
  return {
    ...(Array.isArray(type) ? { schema: oneOf(...type) } : { type }),
    ...(example && { example }),
    ...(examples && { examples: named(examples) }),
  };
}

/** Examples by what they are of. */
export function named(examples: Record<string, object>) {
  return Object.fromEntries(
    Object.entries(examples).map(([summary, value], index) => [
      String(index + 1),
      { summary, value },
    ]),
  );
}

export function oneOf(...types: Class[]) {
  return { oneOf: types.map((type) => ({ $ref: getSchemaPath(type) })) };
}

/** A write that can be made to depend on the session's version. */
export function ApiIfMatch(): MethodDecorator {
  return ApiHeader({
    name: 'If-Match',
    required: false,
    description:
      'ETag of the session as the client knows it, such as `"1795392123456-2"`: 412 where it has changed since.',
    schema: { type: 'string', pattern: IF_MATCH.source },
  });
}

/** A write that is done once, however often it is sent. */
export function ApiIdempotencyKey(): MethodDecorator {
  return ApiHeader({
    name: 'Idempotency-Key',
    required: false,
    description:
      'Any text of 1 to 255 printable ASCII characters that no other request of the caller has, such as a UUID. Sent again with it, the request is not done again: it gets the first status, the resource as it is now and `Idempotent-Replayed: true`; while the first still runs, 409 with Retry-After.',
    schema: {
      type: 'string',
      minLength: 1,
      maxLength: IDEMPOTENCY_KEY_LENGTH,
      pattern: IDEMPOTENCY_KEY.source,
    },
  });
}

/** A key's errors, but for the 409, of which a route may have others, too. */
export const KEY_REUSED = { 422: ERROR_TEXTS.key_reused };

/** When to try again where the first request with a key still runs. */
export const KEY_IN_USE_HEADERS = { 409: retryAfter };

/** What reading a session can answer. */
export const READ_ERRORS = {
  400: 'Validation failed',
  404: NOT_FOUND,
};

/** What changing a session can answer. */
export const CHANGE_ERRORS = {
  ...READ_ERRORS,
  412: ERROR_TEXTS.version_moved,
  ...BODY_ERRORS,
};
