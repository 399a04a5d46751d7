import { HttpStatus } from '@nestjs/common';
import type { HttpResponse } from '../../http/response.js';
import type { SessionState } from '../store/chat-sessions.repository.js';
import { entityTagOf } from '../writes/entity-tag.js';
import type { Written } from '../writes/session-writes.js';

/** Sets the ETag of a session, and returns the body for the handler to return. */
export function versioned<Body>(
  response: HttpResponse,
  session: SessionState,
  body: Body,
): Body {
  response.header('ETag', entityTagOf(session));
  return body;
}

/** Like `versioned`, for a write that may be sent again: 201, or 200 if nothing new was created. */
export function written<Body>(
  response: HttpResponse,
  { session, created, replayed }: Written,
  body: Body,
): Body {
  response.status(created ? HttpStatus.CREATED : HttpStatus.OK);
  if (replayed) response.header('Idempotent-Replayed', 'true');
  return versioned(response, session, body);
}
