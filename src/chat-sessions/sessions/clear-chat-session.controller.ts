import { Controller, HttpCode, HttpStatus, Post, Res } from '@nestjs/common';
import type { HttpResponse } from '../../http/response.js';
import { ChatMessagesService } from '../messages/chat-messages.service.js';
import { ChatSessionsRoutes } from '../routes/chat-sessions-routes.decorator.js';
import { WriteHeaders } from '../routes/headers.js';
import { SessionKeyParam } from '../routes/path-params.js';
import { Replies } from '../routes/replies.js';
import type { SessionKey } from '../store/chat-sessions.repository.js';
import type { WriteOptions } from '../writes/session-writes.js';
import { ApiClearChatSession } from './chat-sessions.openapi.js';
import { ChatSessionDoneBody } from './dto/chat-session.dto.js';

@ChatSessionsRoutes()
@Controller('chat-sessions/:session_id/clear')
export class ClearChatSessionController {
  constructor(
    private readonly messages: ChatMessagesService,
    private readonly replies: Replies,
  ) {}

  @Post()
  @HttpCode(HttpStatus.OK)
  @ApiClearChatSession()
  async clear(
    @Res({ passthrough: true }) response: HttpResponse,
    @SessionKeyParam() key: SessionKey,
    @WriteHeaders() options: WriteOptions,
  ): Promise<ChatSessionDoneBody> {
    const cleared = await this.messages.clear(key, options);
    const message = 'Chat history cleared successfully';
    return this.replies.written(response, cleared, { message });
  }
}
