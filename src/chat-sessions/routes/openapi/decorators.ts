import {
  ApiHeader,
  ApiParam,
  ApiResponse,
  getSchemaPath,
} from '@nestjs/swagger';
import {
  MESSAGE_ID_SCHEMA,
  OPAQUE_ID,
  OPAQUE_ID_LENGTH,
} from '../../../validation/decorators.js';
import { type ChatSessionsErrorCode, ERRORS } from '../../errors.js';
import { IF_MATCH } from '../../writes/entity-tag.js';
import {
  IDEMPOTENCY_KEY,
  IDEMPOTENCY_KEY_LENGTH,
} from '../../writes/idempotency/idempotency-key.js';
import { EXAMPLES } from './examples.js';

/** The entries of the error table with these codes, for `RouteErrors`. */
export function errorsOf(...codes: ChatSessionsErrorCode[]) {
  return Object.fromEntries(codes.map((code) => [code, ERRORS[code]]));
}

/** Options of `RouteErrors` for a route of one session. */
export const OF_SESSION = {
  notFound: 'Chat session not found',
  invalid: 'session_id must be a UUID',
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
    schema: { ...MESSAGE_ID_SCHEMA, example: EXAMPLES.messageId },
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

const etag = {
  ETag: {
    description: 'The strong entity tag of the session.',
    schema: { type: 'string', example: '"1795392123456-2-3b1f6f0c2a55"' },
  },
} as const;

const replayed = {
  'Idempotent-Replayed': {
    description:
      '`true` where the request with this Idempotency-Key was done before.',
    schema: { type: 'boolean', example: true },
  },
} as const;

type Class = new () => object;

interface ResponseBody {
  /** Its class, or one of several. */
  type?: Class | Class[];
  example?: object;
  /** By their summary. */
  examples?: Record<string, object>;
}

/** A success that carries the session's ETag. */
export function ApiVersioned(
  status: number,
  description: string,
  body: ResponseBody = {},
): MethodDecorator {
  const headers = etag;
  return ApiResponse({ status, description, headers, ...documented(body) });
}

/** The success of a write that takes an Idempotency-Key; it carries the session's ETag. */
export function ApiWritten(
  status: number,
  description: string,
  body: ResponseBody,
): MethodDecorator {
  const headers = { ...etag, ...replayed };
  return ApiResponse({ status, description, headers, ...documented(body) });
}

/** Has no keys that are undefined: the document would show them for a response without a body. */
function documented({ type, example, examples }: ResponseBody) {
  return {
    ...(Array.isArray(type) ? { schema: oneOf(...type) } : { type }),
    ...(example && { example }),
    ...(examples && { examples: named(examples) }),
  };
}

/** Examples by their summary. */
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

export function ApiIfMatch(): MethodDecorator {
  return ApiHeader({
    name: 'If-Match',
    required: false,
    description:
      'ETag of the session as the client knows it, such as `"1795392123456-2-3b1f6f0c2a55"`: 412 where it has changed since.',
    schema: { type: 'string', pattern: IF_MATCH.source },
  });
}

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
