import { Body, Controller, Post, Res } from '@nestjs/common';
import type { HttpResponse } from '../../http/response.js';
import { DtoPipe } from '../../validation/dto.pipe.js';
import { ChatSessionsRoutes } from '../routes/chat-sessions-routes.decorator.js';
import { WriteHeaders } from '../routes/headers.js';
import { SessionKeyParam } from '../routes/path-params.js';
import { Replies } from '../routes/replies.js';
import {
  type ChatSessionBody,
  toChatSessionBody,
} from '../sessions/dto/chat-session.dto.js';
import type { SessionKey } from '../store/chat-sessions.repository.js';
import type { WriteOptions } from '../writes/session-writes.js';
import { ForkChatSessionDto } from './dto/fork-chat-session.dto.js';
import { ApiForkChatSession } from './forks.openapi.js';
import { ForksService } from './forks.service.js';

@ChatSessionsRoutes()
@Controller('chat-sessions/:session_id/fork')
export class ForksController {
  constructor(
    private readonly forks: ForksService,
    private readonly replies: Replies,
  ) {}

  @Post()
  @ApiForkChatSession()
  async fork(
    @Res({ passthrough: true }) response: HttpResponse,
    @SessionKeyParam() key: SessionKey,
    @Body(new DtoPipe(ForkChatSessionDto)) body: Readonly<ForkChatSessionDto>,
    @WriteHeaders() options: WriteOptions,
  ): Promise<ChatSessionBody> {
    const forked = await this.forks.fork(key, body, options);
    return this.replies.written(response, forked, toChatSessionBody(forked));
  }
}
