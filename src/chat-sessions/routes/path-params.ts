import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import { isUUID } from 'class-validator';
import { isMessageId, MESSAGE_ID_RULE } from '../../validation/decorators.js';
import { ValidationFailedException } from '../../validation/dto.pipe.js';
import type { SessionKey } from '../store/chat-sessions.repository.js';
import { ownerOf } from './owner.guard.js';

/** The caller's id with the path's `session_id`, a UUID in any case; 400 if it is none. */
export const SessionKeyParam = createParamDecorator(
  (_, context: ExecutionContext): SessionKey => {
    const id = pathParam(context, 'session_id');
    if (!isUUID(id, 'loose')) {
      throw new ValidationFailedException(['session_id must be a UUID']);
    }
    return { ownerId: ownerOf(context), id: id.toLowerCase() };
  },
);

/** The path's `message_id`; 400 if no message can have it. */
export const MessageIdParam = ownIdParam('message_id');
/** The path's `run_id`; 400 if no run can have it. */
export const RunIdParam = ownIdParam('run_id');
/** The path's `interrupt_id`; 400 if no interrupt can have it. */
export const InterruptIdParam = ownIdParam('interrupt_id');

function ownIdParam(name: string) {
  return createParamDecorator((_, context: ExecutionContext): string => {
    const id = pathParam(context, name);
    if (!isMessageId(id)) {
      throw new ValidationFailedException([`${name} ${MESSAGE_ID_RULE}`]);
    }
    return id;
  });
}

function pathParam(context: ExecutionContext, name: string): string {
  const http = context.switchToHttp();
  const { params } = http.getRequest<{ params: Record<string, string> }>();
  return params[name]!;
}
