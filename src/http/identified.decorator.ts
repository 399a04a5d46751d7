import { applyDecorators } from '@nestjs/common';
import { ApiResponse } from '@nestjs/swagger';
import { codeOfStatus } from '../errors/coded-error.js';
import {
  ErrorBody,
  retryAfterHeader,
  TOO_MANY_REQUESTS,
} from './route-errors.js';

export const UNIDENTIFIED = 'No access token';
export const IDENTITY_UNAVAILABLE = 'Identity cannot be checked right now';

/** Documents the errors of a controller whose callers are identified and limited: 401, 429 and 503. */
export function ApiIdentified(): ClassDecorator {
  return applyDecorators(
    ApiResponse({
      status: 401,
      description: 'The caller is not identified.',
      type: ErrorBody,
      example: { error: UNIDENTIFIED, code: codeOfStatus(401) },
      headers: {
        'WWW-Authenticate': {
          description: 'How to identify, and what was wrong.',
          schema: { type: 'string', example: 'Bearer error="invalid_token"' },
        },
      },
    }),
    ApiResponse({
      status: 429,
      description: 'The caller has sent too many requests within a minute.',
      type: ErrorBody,
      example: { error: TOO_MANY_REQUESTS, code: codeOfStatus(429) },
      headers: retryAfterHeader,
    }),
    ApiResponse({
      status: 503,
      description:
        'The caller cannot be identified right now, or the store is overloaded, late, or did not tell the outcome of a write.',
      type: ErrorBody,
      example: { error: IDENTITY_UNAVAILABLE, code: 'identity_unavailable' },
      headers: retryAfterHeader,
    }),
  );
}
