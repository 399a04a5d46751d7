import { applyDecorators } from '@nestjs/common';
import {
  ApiBody,
  ApiExtraModels,
  ApiOkResponse,
  ApiOperation,
  ApiQuery,
} from '@nestjs/swagger';
import { RouteErrors } from '../../http/route-errors.js';
import { MESSAGE_ID_RULE } from '../../validation/decorators.js';
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
  oneOf,
} from '../routes/openapi/decorators.js';
import { EXAMPLES } from '../routes/openapi/examples.js';
import { MESSAGE_ROLES } from '../store/entities/chat-message.entity.js';
import {
  ChatMessageBody,
  ChatMessagePage,
  ChatMessagesBody,
} from './dto/chat-message.dto.js';
import { RUN_CONFLICT } from './dto/chat-run.dto.js';
import {
  AppendChatMessageDto,
  CreateChatMessagesDto,
} from './dto/create-chat-message.dto.js';
import { ListMessagesQuery } from './dto/list-messages-query.dto.js';
import { UpdateChatMessageDto } from './dto/update-chat-message.dto.js';

const APPENDED = {
  type: [ChatMessageBody, ChatMessagesBody],
  examples: {
    'One message': EXAMPLES.message,
    'Several, all or none': EXAMPLES.newlyAppended,
    'Another answer': EXAMPLES.sibling,
  },
};

export const ApiAppendMessages = () =>
  applyDecorators(
    ApiExtraModels(
      AppendChatMessageDto,
      CreateChatMessagesDto,
      ChatMessageBody,
      ChatMessagesBody,
    ),
    ApiOperation({
      operationId: 'appendMessages',
      summary: 'Append one message or several',
      description:
        'One message is answered with `message`; `{"messages": [...]}`, up to 100, with `messages`: they are stored all or none. They follow the last message that the session shows, or the message with the id `parent_id`; if others follow that, they begin a new branch. A message sent again with its own `id`, or a request with its Idempotency-Key, is not stored twice.',
    }),
    ApiSessionId(),
    ApiIdempotencyKey(),
    ApiIfMatch(),
    ApiBody({
      schema: oneOf(AppendChatMessageDto, CreateChatMessagesDto),
      examples: named({
        'One message': EXAMPLES.newMessage,
        'Several, all or none': EXAMPLES.newMessages,
        'Another answer': EXAMPLES.newSibling,
      }),
    }),
    ApiWritten(
      201,
      'As stored: `message`, or `messages` of several.',
      APPENDED,
    ),
    ApiWritten(200, 'Likewise; they were stored before.', APPENDED),
    RouteErrors({
      types: RUN_CONFLICT,
      ...OF_SESSION,
      invalid: `role must be one of the following values: ${MESSAGE_ROLES.join(', ')}`,
      hasBody: true,
      errors: errorsOf(
        'run_active',
        'message_empty',
        'parent_unknown',
        'messages_gone',
        'too_many_branches',
        'message_id_taken',
        'key_in_use',
        'version_moved',
        'key_reused',
      ),
      failure: 'Failed to append messages',
    }),
  );

export const ApiGetMessages = () =>
  applyDecorators(
    ApiOperation({
      operationId: 'getMessages',
      summary: 'Get a page of messages',
      description:
        'Always oldest to newest. Without a cursor, the newest page; otherwise with one of `before`, `after` and `around`. A page is of the branch that the session shows, unless you give a `leaf` or `tree`. It ends early at 4 MiB.',
    }),
    ApiSessionId(),
    ApiQuery({ type: ListMessagesQuery }),
    ApiOkResponse({
      description: 'The page.',
      type: ChatMessagePage,
      example: EXAMPLES.page,
    }),
    RouteErrors({
      ...OF_SESSION,
      invalid: 'before cannot be used together with after or around',
      errors: errorsOf('leaf_unknown'),
      failure: 'Failed to get messages',
    }),
  );

export const ApiGetMessage = () =>
  applyDecorators(
    ApiOperation({ operationId: 'getMessage', summary: 'Get a message' }),
    ApiSessionId(),
    ApiMessageId(),
    ApiOkResponse({
      description: 'The message.',
      type: ChatMessageBody,
      example: EXAMPLES.message,
    }),
    RouteErrors({
      invalid: `message_id ${MESSAGE_ID_RULE}`,
      notFound: 'Message not found',
      failure: 'Failed to get message',
    }),
  );

export const ApiUpdateMessage = () =>
  applyDecorators(
    ApiOperation({
      operationId: 'updateMessage',
      summary: 'Change a message in place',
      description:
        'What is given replaces what was, whole; what is left out stays. A `content` that is the text of the parts changes with them. To keep the message as it was, beside the new one, append one with the same `parent_id`.',
    }),
    ApiSessionId(),
    ApiMessageId(),
    ApiIfMatch(),
    ApiBody({
      type: UpdateChatMessageDto,
      examples: named({ 'Another text': EXAMPLES.messageChanges }),
    }),
    ApiVersioned(200, 'The message as it is now.', {
      type: ChatMessageBody,
      example: EXAMPLES.changedMessage,
    }),
    RouteErrors({
      types: RUN_CONFLICT,
      invalid: `message_id ${MESSAGE_ID_RULE}`,
      notFound: 'Message not found',
      hasBody: true,
      errors: errorsOf('run_active', 'message_empty', 'version_moved'),
      failure: 'Failed to update message',
    }),
  );
