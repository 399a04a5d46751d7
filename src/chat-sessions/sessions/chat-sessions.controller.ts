import {
  Body,
  Controller,
  Delete,
  Get,
  Headers,
  HttpCode,
  HttpStatus,
  Param,
  Patch,
  Post,
  Put,
  Query,
  Res,
} from '@nestjs/common';
import {
  ApiBody,
  ApiHeader,
  ApiNoContentResponse,
  ApiOkResponse,
  ApiOperation,
  ApiQuery,
  ApiTags,
} from '@nestjs/swagger';
import type { HttpResponse } from '../../http/reply.js';
import { BODY_ERRORS, RouteErrors } from '../../http/route-errors.js';
import { DtoPipe } from '../../validation/dto.pipe.js';
import { UuidParam } from '../../validation/params.js';
import { ChatMessagesService } from '../messages/chat-messages.service.js';
import { ChatSessionAnswers } from './cached-sessions.js';
import { ChatSessionsService } from './chat-sessions.service.js';
import {
  ChatSessionBody,
  ChatSessionListBody,
  ChatSessionDoneBody,
} from './dto/chat-session.dto.js';
import { CreateChatSessionDto } from './dto/create-chat-session.dto.js';
import {
  GetChatSessionQuery,
  ListChatSessionsQuery,
} from './dto/queries.dto.js';
import {
  ReplaceConfigDto,
  UpdateChatSessionDto,
} from './dto/update-chat-session.dto.js';
import { IfMatch, IfMatchHeader } from '../writes/entity-tag.js';
import { ERROR_TEXTS } from '../errors.js';
import { EXAMPLES } from '../routes/openapi/examples.js';
import {
  IdempotencyKeyHeader,
  type RepeatableRequest,
} from '../writes/idempotency/idempotency-key.js';
import { OwnedRoutes } from '../routes/chat-sessions-routes.decorator.js';
import { Owner } from '../routes/owner.guard.js';
import {
  createdReply,
  sessionReply,
  toChatSessionList,
  versioned,
  writtenReply,
} from '../routes/replies.js';
import {
  ApiIdempotencyKey,
  ApiIfMatch,
  ApiSessionId,
  ApiVersioned,
  ApiWritten,
  KEY_IN_USE_HEADERS,
  KEY_REUSED,
  CHANGE_ERRORS,
  named,
  NOT_FOUND,
  READ_ERRORS,
} from '../routes/openapi/decorators.js';

@ApiTags('Chat sessions')
@OwnedRoutes()
@Controller('chat-sessions')
export class ChatSessionsController {
  constructor(
    private readonly sessions: ChatSessionsService,
    private readonly messages: ChatMessagesService,
    private readonly answers: ChatSessionAnswers,
  ) {}

  @Post()
  @ApiOperation({
    operationId: 'createChatSession',
    summary: 'Create a session',
    description:
      'Every field may be left out. With an `id` of its own a client may safely send the request again: it gets 200 and the session as it is now.',
  })
  @ApiIdempotencyKey()
  @ApiBody({
    type: CreateChatSessionDto,
    examples: named({
      'With an id of its own, that of the other examples': EXAMPLES.newSession,
      'With its first messages': EXAMPLES.newConversation,
    }),
  })
  @ApiWritten(201, 'The session is new.', {
    type: ChatSessionBody,
    example: EXAMPLES.createdSession,
  })
  @ApiWritten(200, 'The caller has a session of this id already.', {
    type: ChatSessionBody,
    example: EXAMPLES.createdSession,
  })
  @RouteErrors(
    {
      400: 'Validation failed',
      404: NOT_FOUND,
      409: [
        ERROR_TEXTS.session_id_taken,
        ERROR_TEXTS.section_taken,
        ERROR_TEXTS.key_in_use,
      ],
      ...KEY_REUSED,
      ...BODY_ERRORS,
      500: 'Failed to create chat session',
    },
    'title must be at most 200 characters long',
    KEY_IN_USE_HEADERS,
  )
  async create(
    @Res({ passthrough: true }) response: HttpResponse,
    @Owner() owner: string,
    @Body(new DtoPipe(CreateChatSessionDto))
    body: Readonly<CreateChatSessionDto>,
    @IdempotencyKeyHeader() request?: RepeatableRequest,
  ): Promise<ChatSessionBody> {
    const created = await this.sessions.create(owner, body, request);
    return createdReply(created).to(response);
  }

  @Get()
  @ApiQuery({ type: ListChatSessionsQuery })
  @ApiOperation({
    operationId: 'listChatSessions',
    summary: 'List sessions',
    description:
      'Latest activity first: creating and appending move a session up, renaming and pinning do not. Follow `next_cursor` until it is null.',
  })
  @ApiOkResponse({
    description: 'A page of sessions.',
    type: ChatSessionListBody,
    example: EXAMPLES.list,
  })
  @RouteErrors(
    {
      400: 'Validation failed',
      500: 'Failed to list chat sessions',
    },
    'limit must not be greater than 100',
  )
  async list(
    @Owner() owner: string,
    @Query(new DtoPipe(ListChatSessionsQuery))
    query: Readonly<ListChatSessionsQuery>,
  ): Promise<ChatSessionListBody> {
    return toChatSessionList(await this.sessions.list(owner, query));
  }

  @Get(':session_id')
  @ApiQuery({ type: GetChatSessionQuery })
  @ApiOperation({
    operationId: 'getChatSession',
    summary: 'Get a session with its newest messages',
  })
  @ApiHeader({
    name: 'If-None-Match',
    required: false,
    description:
      'ETag of the client\'s copy, such as `"1795392123456-2"`: 304 where it is current.',
    schema: { type: 'string' },
  })
  @ApiVersioned(200, 'The session.', {
    type: ChatSessionBody,
    example: EXAMPLES.session,
  })
  @ApiVersioned(304, "The client's copy is current.")
  @ApiSessionId()
  @RouteErrors({
    ...READ_ERRORS,
    500: 'Failed to get chat session',
  })
  async get(
    @Res({ passthrough: true }) response: HttpResponse,
    @Owner() owner: string,
    @Param('session_id', UuidParam) id: string,
    @Query(new DtoPipe(GetChatSessionQuery))
    query: Readonly<GetChatSessionQuery>,
    @Headers('If-None-Match') ifNoneMatch?: string,
  ): Promise<Buffer | undefined> {
    const reply = await this.answers.get(owner, id, query, ifNoneMatch);
    return reply.to(response);
  }

  @Patch(':session_id')
  @ApiOperation({
    operationId: 'updateChatSession',
    summary: 'Change a session',
    description:
      'What is given replaces what was, whole; what is left out stays. A title of null clears it.',
  })
  @ApiIfMatch()
  @ApiBody({
    type: UpdateChatSessionDto,
    examples: named({ 'Name it and pin it': EXAMPLES.changes }),
  })
  @ApiVersioned(200, 'The session as it is now.', {
    type: ChatSessionBody,
    example: EXAMPLES.changedSession,
  })
  @ApiSessionId()
  @RouteErrors({
    ...CHANGE_ERRORS,
    500: 'Failed to update chat session',
  })
  async update(
    @Res({ passthrough: true }) response: HttpResponse,
    @Owner() owner: string,
    @Param('session_id', UuidParam) id: string,
    @Body(new DtoPipe(UpdateChatSessionDto))
    body: Readonly<UpdateChatSessionDto>,
    @IfMatchHeader() ifMatch?: IfMatch,
  ): Promise<ChatSessionBody> {
    const view = await this.sessions.update(owner, id, body, ifMatch);
    return sessionReply(view).to(response);
  }

  @Put(':session_id/config')
  @ApiOperation({
    operationId: 'replaceChatConfig',
    summary: "Replace a session's configuration",
  })
  @ApiIfMatch()
  @ApiBody({
    type: ReplaceConfigDto,
    examples: named({ 'A model and its temperature': EXAMPLES.config }),
  })
  @ApiVersioned(200, 'Replaced.', {
    type: ChatSessionDoneBody,
    example: EXAMPLES.replaced,
  })
  @ApiSessionId()
  @RouteErrors({
    ...CHANGE_ERRORS,
    500: 'Failed to update chat configuration',
  })
  async replaceConfig(
    @Res({ passthrough: true }) response: HttpResponse,
    @Owner() owner: string,
    @Param('session_id', UuidParam) id: string,
    @Body(new DtoPipe(ReplaceConfigDto)) { config }: Readonly<ReplaceConfigDto>,
    @IfMatchHeader() ifMatch?: IfMatch,
  ): Promise<ChatSessionDoneBody> {
    const session = await this.sessions.replaceConfig(
      owner,
      id,
      config,
      ifMatch,
    );
    const message = 'Chat configuration updated successfully';
    return versioned(session, { message }).to(response);
  }

  @Post(':session_id/clear')
  @HttpCode(HttpStatus.OK)
  @ApiOperation({
    operationId: 'clearChatSession',
    summary: 'Delete the messages of a session',
    description:
      'The session stays; the seqs of its messages are not used again.',
  })
  @ApiIfMatch()
  @ApiIdempotencyKey()
  @ApiWritten(200, 'Cleared.', {
    type: ChatSessionDoneBody,
    example: EXAMPLES.cleared,
  })
  @ApiSessionId()
  @RouteErrors(
    {
      ...CHANGE_ERRORS,
      409: ERROR_TEXTS.key_in_use,
      ...KEY_REUSED,
      500: 'Failed to clear chat session',
    },
    undefined,
    KEY_IN_USE_HEADERS,
  )
  async clear(
    @Res({ passthrough: true }) response: HttpResponse,
    @Owner() owner: string,
    @Param('session_id', UuidParam) id: string,
    @IfMatchHeader() ifMatch?: IfMatch,
    @IdempotencyKeyHeader() request?: RepeatableRequest,
  ): Promise<ChatSessionDoneBody> {
    const cleared = await this.messages.clear(owner, id, ifMatch, request);
    const message = 'Chat history cleared successfully';
    return writtenReply(cleared, { message }).to(response);
  }

  @Delete(':session_id')
  @HttpCode(HttpStatus.NO_CONTENT)
  @ApiOperation({
    operationId: 'deleteChatSession',
    summary: 'Delete a session and its messages',
  })
  @ApiIfMatch()
  @ApiNoContentResponse({ description: 'Deleted.' })
  @ApiSessionId()
  @RouteErrors({
    ...CHANGE_ERRORS,
    500: 'Failed to delete chat session',
  })
  delete(
    @Owner() owner: string,
    @Param('session_id', UuidParam) id: string,
    @IfMatchHeader() ifMatch?: IfMatch,
  ): Promise<void> {
    return this.sessions.delete(owner, id, ifMatch);
  }
}
