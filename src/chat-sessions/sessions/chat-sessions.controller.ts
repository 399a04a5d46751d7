import {
  Body,
  Controller,
  Delete,
  Get,
  HttpCode,
  HttpStatus,
  Patch,
  Post,
  Put,
  Query,
  Res,
} from '@nestjs/common';
import type { HttpResponse } from '../../http/response.js';
import { DtoPipe } from '../../validation/dto.pipe.js';
import { ChatSessionsRoutes } from '../routes/chat-sessions-routes.decorator.js';
import {
  IdempotencyKeyHeader,
  IfMatchHeader,
  IfNoneMatchHeader,
} from '../routes/headers.js';
import { Owner } from '../routes/owner.guard.js';
import { SessionKeyParam } from '../routes/path-params.js';
import { Replies } from '../routes/replies.js';
import type { SessionKey } from '../store/chat-sessions.repository.js';
import type { WriteOptions } from '../writes/session-writes.js';
import { CachedSessions } from './cached-sessions.js';
import {
  ApiCreateChatSession,
  ApiDeleteChatSession,
  ApiGetChatSession,
  ApiListChatSessions,
  ApiReplaceChatConfig,
  ApiUpdateChatSession,
} from './chat-sessions.openapi.js';
import { ChatSessionsService } from './chat-sessions.service.js';
import {
  ChatSessionBody,
  ChatSessionDoneBody,
  ChatSessionListBody,
  toChatSessionBody,
  toChatSessionListBody,
} from './dto/chat-session.dto.js';
import { CreateChatSessionDto } from './dto/create-chat-session.dto.js';
import { GetChatSessionQuery } from './dto/get-chat-session-query.dto.js';
import { ListChatSessionsQuery } from './dto/list-chat-sessions-query.dto.js';
import {
  type MergeChatSessionDto,
  ReplaceConfigDto,
  type UpdateChatSessionDto,
} from './dto/update-chat-session.dto.js';
import { SessionChanges } from './merge-patches.js';

@ChatSessionsRoutes()
@Controller('chat-sessions')
export class ChatSessionsController {
  constructor(
    private readonly sessions: ChatSessionsService,
    private readonly cached: CachedSessions,
    private readonly replies: Replies,
  ) {}

  @Post()
  @ApiCreateChatSession()
  async create(
    @Res({ passthrough: true }) response: HttpResponse,
    @Owner() owner: string,
    @Body(new DtoPipe(CreateChatSessionDto))
    body: Readonly<CreateChatSessionDto>,
    @IdempotencyKeyHeader() options: WriteOptions,
  ): Promise<ChatSessionBody> {
    const created = await this.sessions.create(owner, body, options);
    return this.replies.written(response, created, toChatSessionBody(created));
  }

  @Get()
  @ApiListChatSessions()
  async list(
    @Owner() owner: string,
    @Query(new DtoPipe(ListChatSessionsQuery))
    query: Readonly<ListChatSessionsQuery>,
  ): Promise<ChatSessionListBody> {
    const page = await this.sessions.list(owner, query);
    return this.replies.json(toChatSessionListBody(page));
  }

  @Get(':session_id')
  @ApiGetChatSession()
  async get(
    @Res({ passthrough: true }) response: HttpResponse,
    @SessionKeyParam() key: SessionKey,
    @Query(new DtoPipe(GetChatSessionQuery))
    { messages }: Readonly<GetChatSessionQuery>,
    @IfNoneMatchHeader() ifNoneMatch?: string,
  ): Promise<unknown> {
    const cached = await this.cached.find(key, { messages, ifNoneMatch });
    if (cached.etag !== undefined) response.header('ETag', cached.etag);
    response.header('Cache-Control', 'private, no-cache');
    if (cached.body) return this.replies.bytes(response, cached.body);
    response.status(HttpStatus.NOT_MODIFIED);
    return undefined;
  }

  @Patch(':session_id')
  @ApiUpdateChatSession()
  async update(
    @Res({ passthrough: true }) response: HttpResponse,
    @SessionKeyParam() key: SessionKey,
    @SessionChanges() changes: UpdateChatSessionDto | MergeChatSessionDto,
    @IfMatchHeader() options: WriteOptions,
  ): Promise<ChatSessionBody> {
    const view = await this.sessions.update(key, changes, options);
    return this.replies.versioned(
      response,
      view.session,
      toChatSessionBody(view),
    );
  }

  @Put(':session_id/config')
  @ApiReplaceChatConfig()
  async replaceConfig(
    @Res({ passthrough: true }) response: HttpResponse,
    @SessionKeyParam() key: SessionKey,
    @Body(new DtoPipe(ReplaceConfigDto)) { config }: Readonly<ReplaceConfigDto>,
    @IfMatchHeader() options: WriteOptions,
  ): Promise<ChatSessionDoneBody> {
    const { session } = await this.sessions.replaceConfig(key, config, options);
    const message = 'Chat configuration updated successfully';
    return this.replies.versioned(response, session, { message });
  }

  @Delete(':session_id')
  @HttpCode(HttpStatus.NO_CONTENT)
  @ApiDeleteChatSession()
  delete(
    @SessionKeyParam() key: SessionKey,
    @IfMatchHeader() options: WriteOptions,
  ): Promise<void> {
    return this.sessions.delete(key, options);
  }
}
