import { applyDecorators } from '@nestjs/common';
import { ApiBody, ApiOperation } from '@nestjs/swagger';
import { RouteErrors } from '../../http/route-errors.js';
import { MESSAGE_ID_RULE } from '../../validation/decorators.js';
import {
  ApiIdempotencyKey,
  ApiIfMatch,
  ApiSessionId,
  ApiWritten,
  errorsOf,
  named,
} from '../routes/openapi/decorators.js';
import { EXAMPLES } from '../routes/openapi/examples.js';
import { ChatSessionBody } from '../sessions/dto/chat-session.dto.js';
import { ForkChatSessionDto } from './dto/fork-chat-session.dto.js';

export const ApiForkChatSession = () =>
  applyDecorators(
    ApiOperation({
      operationId: 'forkChatSession',
      summary: 'Fork a session',
      description:
        'Copies the messages from the start of the conversation to `message_id` into a new session, with their ids and times, and with the title, document, context documents, config and metadata of the session. Other branches, the section, and whether it is pinned or archived are not copied. A message that is changed while a long session is copied may be copied as it was before or after. If messages are deleted meanwhile, the copy begins again; if that happens too often, the response is 503.',
    }),
    ApiSessionId(),
    ApiIdempotencyKey(),
    ApiIfMatch(),
    ApiBody({
      type: ForkChatSessionDto,
      examples: named({ 'Up to the first message': EXAMPLES.fork }),
    }),
    ApiWritten(201, 'The new session.', {
      type: ChatSessionBody,
      example: EXAMPLES.forkedSession,
    }),
    RouteErrors({
      invalid: `message_id ${MESSAGE_ID_RULE}`,
      notFound: 'Chat session or message not found',
      hasBody: true,
      errors: errorsOf(
        'fork_interrupted',
        'key_in_use',
        'version_moved',
        'key_reused',
      ),
      failure: 'Failed to fork chat session',
    }),
  );
