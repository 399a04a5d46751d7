import { applyDecorators, Controller, Get } from '@nestjs/common';
import { ApiOkResponse, ApiOperation } from '@nestjs/swagger';
import { RouteErrors } from '../../http/route-errors.js';
import {
  ChatMessagesBody,
  toChatMessage,
} from '../messages/dto/chat-message.dto.js';
import { ChatSessionsRoutes } from '../routes/chat-sessions-routes.decorator.js';
import { EXAMPLES } from '../routes/openapi/examples.js';
import { Owner } from '../routes/owner.guard.js';
import { Replies } from '../routes/replies.js';
import { ChatSessionsService } from './chat-sessions.service.js';

const ApiHistory = (operationId: string, summary: string) =>
  applyDecorators(
    ApiOperation({
      operationId,
      summary,
      description:
        "The newest 50 messages of the caller's most recently active session, oldest first; none where there is no session.",
    }),
    ApiOkResponse({
      description: 'The messages.',
      type: ChatMessagesBody,
      example: EXAMPLES.history,
    }),
    RouteErrors({ failure: 'Failed to get chat history', isFixed: true }),
  );

@ChatSessionsRoutes()
@Controller()
export class HistoryController {
  constructor(
    private readonly sessions: ChatSessionsService,
    private readonly replies: Replies,
  ) {}

  @Get('history')
  @ApiHistory('getHistory', 'Get the latest messages of the latest session')
  async history(@Owner() owner: string): Promise<ChatMessagesBody> {
    const messages = await this.sessions.history(owner);
    return this.replies.json({ messages: messages.map(toChatMessage) });
  }

  @Get('session/history')
  @ApiHistory('getSessionHistory', 'The same, at its other path')
  sessionHistory(@Owner() owner: string): Promise<ChatMessagesBody> {
    return this.history(owner);
  }
}
