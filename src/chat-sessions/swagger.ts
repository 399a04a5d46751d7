import { ApiHeader, ApiResponse, getSchemaPath } from '@nestjs/swagger';
import { ERROR_TEXTS } from './errors.js';

export const NOT_FOUND = 'Chat session not found';

const etag = {
  ETag: {
    description: 'The strong entity tag of the session.',
    schema: { type: 'string', example: '"1795392123456-2"' },
  },
} as const;

type Class = new () => object;

/** A success that carries the session's ETag; its body is of the type, or of one of several. */
export function ApiVersioned(
  status: number,
  description: string,
  type?: Class | Class[],
): MethodDecorator {
  const body = Array.isArray(type) ? { schema: oneOf(...type) } : { type };
  return ApiResponse({ status, description, headers: etag, ...body });
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
      'ETag of the session as the client knows it: 412 where it has changed since.',
    schema: { type: 'string', example: '"1795392123456-2"' },
  });
}

export const STALE = { 412: ERROR_TEXTS.version_moved };
