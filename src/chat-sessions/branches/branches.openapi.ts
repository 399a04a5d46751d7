import { applyDecorators } from '@nestjs/common';
import { ApiBody, ApiOperation, ApiQuery } from '@nestjs/swagger';
import { RouteErrors } from '../../http/route-errors.js';
import { MESSAGE_ID_RULE } from '../../validation/decorators.js';
import { ChatMessagesBody } from '../messages/dto/chat-message.dto.js';
import { RUN_CONFLICT } from '../messages/dto/chat-run.dto.js';
import {
  ApiIdempotencyKey,
  ApiIfMatch,
  ApiMessageId,
  ApiSessionId,
  ApiVersioned,
  ApiWritten,
  errorsOf,
  named,
  OF_SESSION,
} from '../routes/openapi/decorators.js';
import { EXAMPLES } from '../routes/openapi/examples.js';
import { ChatSessionBody } from '../sessions/dto/chat-session.dto.js';
import {
  DeleteMessageQuery,
  ReplaceChatMessagesDto,
  ReplaceLeafDto,
} from './dto/branches.dto.js';

const OF_MESSAGE = {
  invalid: `message_id ${MESSAGE_ID_RULE}`,
  notFound: 'Message not found',
  hasBody: true,
};

export const ApiDeleteMessage = () =>
  applyDecorators(
    ApiOperation({
      operationId: 'deleteMessage',
      summary: 'Delete a message',
      description:
        'The messages that follow it then follow the message before it, unless they are deleted as well. If it was the last one that the session shows, the session ends with the message before it.',
    }),
    ApiSessionId(),
    ApiMessageId(),
    ApiQuery({ type: DeleteMessageQuery }),
    ApiIfMatch(),
    ApiVersioned(204, 'Deleted.'),
    RouteErrors({
      types: RUN_CONFLICT,
      ...OF_MESSAGE,
      errors: errorsOf('run_active', 'too_many_branches', 'version_moved'),
      failure: 'Failed to delete message',
    }),
  );

export const ApiReplaceMessages = () =>
  applyDecorators(
    ApiOperation({
      operationId: 'replaceMessages',
      summary: 'Replace what follows a message',
      description:
        'The session goes on with these messages after `after_id`. What followed there stays as another branch, or, with `keep: false`, is deleted with all below it; send an Idempotency-Key or If-Match then, so that a request that is sent again does not delete what was appended since. Use it to edit a question, to answer one again, to take messages back, or to save a whole conversation: all or nothing.',
    }),
    ApiSessionId(),
    ApiIdempotencyKey(),
    ApiIfMatch(),
    ApiBody({
      type: ReplaceChatMessagesDto,
      examples: named({ 'Another answer': EXAMPLES.replacement }),
    }),
    ApiWritten(201, 'The new messages.', {
      type: ChatMessagesBody,
      example: EXAMPLES.replacedMessages,
    }),
    ApiWritten(200, 'The messages, which were stored before.', {
      type: ChatMessagesBody,
      example: EXAMPLES.replacedMessages,
    }),
    RouteErrors({
      types: RUN_CONFLICT,
      ...OF_SESSION,
      hasBody: true,
      errors: errorsOf(
        'run_active',
        'message_empty',
        'after_unknown',
        'messages_gone',
        'too_many_branches',
        'message_id_taken',
        'key_in_use',
        'version_moved',
        'key_reused',
      ),
      failure: 'Failed to replace messages',
    }),
  );

export const ApiReplaceLeaf = () =>
  applyDecorators(
    ApiOperation({
      operationId: 'replaceLeaf',
      summary: 'Show another branch',
      description:
        'The session then shows the branch of this message, down to the newest message below it, and appends go there.',
    }),
    ApiSessionId(),
    ApiIfMatch(),
    ApiBody({
      type: ReplaceLeafDto,
      examples: named({ 'Back to the first answer': EXAMPLES.leaf }),
    }),
    ApiVersioned(200, 'The session as it is now.', {
      type: ChatSessionBody,
      example: EXAMPLES.movedSession,
    }),
    RouteErrors({
      ...OF_MESSAGE,
      errors: errorsOf('version_moved'),
      failure: 'Failed to show the branch',
    }),
  );
