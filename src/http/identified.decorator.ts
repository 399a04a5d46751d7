import { applyDecorators } from '@nestjs/common';
import { ApiBearerAuth, ApiResponse } from '@nestjs/swagger';
import { codeOfStatus } from '../errors/coded-error.js';
import {
  ErrorBody,
  retryAfterHeader,
  TOO_MANY_REQUESTS,
} from './route-errors.js';
import { UNAVAILABLE, UNIDENTIFIED } from '../identity/identity-provider.js';

/** Documents what every route answers whose callers are identified, and limited. */
export function ApiIdentified(): ClassDecorator {
  return applyDecorators(
    ApiBearerAuth(),
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
      example: { error: UNAVAILABLE, code: 'identity_unavailable' },
      headers: retryAfterHeader,
    }),
  );
}
