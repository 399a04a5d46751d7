import { applyDecorators } from '@nestjs/common';
import {
  ApiBody,
  ApiExtraModels,
  ApiHeader,
  ApiNoContentResponse,
  ApiOkResponse,
  ApiOperation,
  ApiQuery,
  getSchemaPath,
} from '@nestjs/swagger';
import { RouteErrors } from '../../http/route-errors.js';
import { RUN_CONFLICT } from '../messages/dto/chat-run.dto.js';
import {
  ApiIdempotencyKey,
  ApiIfMatch,
  ApiSessionId,
  ApiVersioned,
  ApiWritten,
  errorsOf,
  named,
  OF_SESSION,
} from '../routes/openapi/decorators.js';
import { EXAMPLES } from '../routes/openapi/examples.js';
import {
  ChatSessionBody,
  ChatSessionDoneBody,
  ChatSessionListBody,
} from './dto/chat-session.dto.js';
import { CreateChatSessionDto } from './dto/create-chat-session.dto.js';
import { GetChatSessionQuery } from './dto/get-chat-session-query.dto.js';
import { ListChatSessionsQuery } from './dto/list-chat-sessions-query.dto.js';
import {
  MergeChatSessionDto,
  ReplaceConfigDto,
  UpdateChatSessionDto,
} from './dto/update-chat-session.dto.js';
import { MERGE_PATCH } from './merge-patches.js';

export const ApiCreateChatSession = () =>
  applyDecorators(
    ApiOperation({
      operationId: 'createChatSession',
      summary: 'Create a session',
      description:
        'Every field may be left out. With an `id` of its own a client may safely send the request again: it gets 200 and the session as it is now.',
    }),
    ApiIdempotencyKey(),
    ApiBody({
      type: CreateChatSessionDto,
      examples: named({
        'With an id of its own, that of the other examples':
          EXAMPLES.newSession,
        'With its first messages': EXAMPLES.newConversation,
      }),
    }),
    ApiWritten(201, 'The session is new.', {
      type: ChatSessionBody,
      example: EXAMPLES.createdSession,
    }),
    ApiWritten(200, 'The caller has a session of this id already.', {
      type: ChatSessionBody,
      example: EXAMPLES.createdSession,
    }),
    RouteErrors({
      invalid: 'title must be at most 255 characters long',
      notFound: OF_SESSION.notFound,
      hasBody: true,
      errors: errorsOf(
        'message_empty',
        'session_id_taken',
        'session_being_deleted',
        'session_differs',
        'section_taken',
        'key_in_use',
        'key_reused',
      ),
      failure: 'Failed to create chat session',
    }),
  );

export const ApiListChatSessions = () =>
  applyDecorators(
    ApiOperation({
      operationId: 'listChatSessions',
      summary: 'List sessions',
      description:
        'Latest activity first: creating and appending move a session up, renaming and pinning do not. A page ends early at 4 MiB. Follow `next_cursor` until it is null.',
    }),
    ApiQuery({ type: ListChatSessionsQuery }),
    ApiOkResponse({
      description: 'A page of sessions.',
      type: ChatSessionListBody,
      example: EXAMPLES.list,
    }),
    RouteErrors({
      invalid: 'limit must not be greater than 100',
      failure: 'Failed to list chat sessions',
    }),
  );

export const GET_CHAT_SESSION_ERRORS = {
  ...OF_SESSION,
  failure: 'Failed to get chat session',
  isFixed: true,
} as const;

export const ApiGetChatSession = () =>
  applyDecorators(
    ApiOperation({
      operationId: 'getChatSession',
      summary: 'Get a session with its newest messages',
    }),
    ApiSessionId(),
    ApiHeader({
      name: 'If-None-Match',
      required: false,
      description:
        'ETag of the client\'s copy, such as `"1795392123456-2-3b1f6f0c2a55"`: 304 where it is current.',
      schema: { type: 'string' },
    }),
    ApiQuery({ type: GetChatSessionQuery }),
    ApiVersioned(200, 'The session.', {
      type: ChatSessionBody,
      example: EXAMPLES.session,
    }),
    ApiVersioned(304, "The client's copy is current."),
    RouteErrors(GET_CHAT_SESSION_ERRORS),
  );

export const ApiUpdateChatSession = () =>
  applyDecorators(
    ApiOperation({
      operationId: 'updateChatSession',
      summary: 'Change a session',
      description:
        'What is given replaces what was, whole; what is left out stays. A title of null clears it. As `application/merge-patch+json` (RFC 7396), `metadata` and `config` are merged instead: null removes a member, arrays and other values replace what was. Merges that are sent at the same time all hold.',
      requestBody: {
        required: true,
        content: {
          'application/json': {
            schema: { $ref: getSchemaPath(UpdateChatSessionDto) },
            examples: named({ 'Name it and pin it': EXAMPLES.changes }),
          },
          [MERGE_PATCH]: {
            schema: { $ref: getSchemaPath(MergeChatSessionDto) },
            examples: named({ 'Change one setting': EXAMPLES.mergePatch }),
          },
        },
      },
    }),
    ApiExtraModels(UpdateChatSessionDto, MergeChatSessionDto),
    ApiSessionId(),
    ApiIfMatch(),
    ApiVersioned(200, 'The session as it is now.', {
      type: ChatSessionBody,
      example: EXAMPLES.changedSession,
    }),
    RouteErrors({
      ...OF_SESSION,
      hasBody: true,
      errors: errorsOf('version_moved'),
      failure: 'Failed to update chat session',
    }),
  );

export const ApiReplaceChatConfig = () =>
  applyDecorators(
    ApiOperation({
      operationId: 'replaceChatConfig',
      summary: "Replace a session's configuration",
    }),
    ApiSessionId(),
    ApiIfMatch(),
    ApiBody({
      type: ReplaceConfigDto,
      examples: named({ 'A model and its temperature': EXAMPLES.config }),
    }),
    ApiVersioned(200, 'Replaced.', {
      type: ChatSessionDoneBody,
      example: EXAMPLES.replaced,
    }),
    RouteErrors({
      ...OF_SESSION,
      hasBody: true,
      errors: errorsOf('version_moved'),
      failure: 'Failed to update chat configuration',
      isFixed: true,
    }),
  );

export const ApiClearChatSession = () =>
  applyDecorators(
    ApiOperation({
      operationId: 'clearChatSession',
      summary: 'Delete the messages of a session',
      description:
        'The session stays; the seqs of its messages are not used again.',
    }),
    ApiSessionId(),
    ApiIdempotencyKey(),
    ApiIfMatch(),
    ApiWritten(200, 'Cleared.', {
      type: ChatSessionDoneBody,
      example: EXAMPLES.cleared,
    }),
    RouteErrors({
      ...OF_SESSION,
      hasBody: true,
      errors: errorsOf(
        'run_active',
        'version_moved',
        'key_in_use',
        'key_reused',
      ),
      types: RUN_CONFLICT,
      failure: 'Failed to clear chat session',
      isFixed: true,
    }),
  );

export const ApiDeleteChatSession = () =>
  applyDecorators(
    ApiOperation({
      operationId: 'deleteChatSession',
      summary: 'Delete a session and its messages',
      description: 'An answer that is being written ends with it.',
    }),
    ApiSessionId(),
    ApiIfMatch(),
    ApiNoContentResponse({ description: 'Deleted.' }),
    RouteErrors({
      ...OF_SESSION,
      hasBody: true,
      errors: errorsOf('version_moved'),
      failure: 'Failed to delete chat session',
    }),
  );
