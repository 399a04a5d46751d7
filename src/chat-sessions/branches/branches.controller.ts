import {
  Body,
  Controller,
  Delete,
  HttpCode,
  HttpStatus,
  Post,
  Put,
  Query,
  Res,
} from '@nestjs/common';
import type { HttpResponse } from '../../http/response.js';
import { DtoPipe } from '../../validation/dto.pipe.js';
import {
  ChatMessagesBody,
  toChatMessage,
} from '../messages/dto/chat-message.dto.js';
import { ChatSessionsRoutes } from '../routes/chat-sessions-routes.decorator.js';
import { IfMatchHeader, WriteHeaders } from '../routes/headers.js';
import { MessageIdParam, SessionKeyParam } from '../routes/path-params.js';
import { Replies } from '../routes/replies.js';
import {
  type ChatSessionBody,
  toChatSessionBody,
} from '../sessions/dto/chat-session.dto.js';
import type { SessionKey } from '../store/chat-sessions.repository.js';
import { entityTagOf } from '../writes/entity-tag.js';
import type { WriteOptions } from '../writes/session-writes.js';
import {
  ApiDeleteMessage,
  ApiReplaceLeaf,
  ApiReplaceMessages,
} from './branches.openapi.js';
import { BranchesService } from './branches.service.js';
import {
  DeleteMessageQuery,
  ReplaceChatMessagesDto,
  ReplaceLeafDto,
} from './dto/branches.dto.js';

/** Changes of the tree of messages other than an append. */
@ChatSessionsRoutes()
@Controller('chat-sessions/:session_id')
export class BranchesController {
  constructor(
    private readonly branches: BranchesService,
    private readonly replies: Replies,
  ) {}

  @Post('messages/replace')
  @ApiReplaceMessages()
  async replace(
    @Res({ passthrough: true }) response: HttpResponse,
    @SessionKeyParam() key: SessionKey,
    @Body(new DtoPipe(ReplaceChatMessagesDto))
    body: Readonly<ReplaceChatMessagesDto>,
    @WriteHeaders() options: WriteOptions,
  ): Promise<ChatMessagesBody> {
    const replaced = await this.branches.replace(key, body, options);
    const messages = replaced.messages.map(toChatMessage);
    return this.replies.written(response, replaced, { messages });
  }

  @Delete('messages/:message_id')
  @HttpCode(HttpStatus.NO_CONTENT)
  @ApiDeleteMessage()
  async delete(
    @Res({ passthrough: true }) response: HttpResponse,
    @SessionKeyParam() key: SessionKey,
    @MessageIdParam() messageId: string,
    @Query(new DtoPipe(DeleteMessageQuery))
    { following }: Readonly<DeleteMessageQuery>,
    @IfMatchHeader() options: WriteOptions,
  ): Promise<void> {
    const { session } = await this.branches.remove(key, messageId, {
      following,
      ...options,
    });
    response.header('ETag', entityTagOf(session));
  }

  @Put('leaf')
  @ApiReplaceLeaf()
  async replaceLeaf(
    @Res({ passthrough: true }) response: HttpResponse,
    @SessionKeyParam() key: SessionKey,
    @Body(new DtoPipe(ReplaceLeafDto)) body: Readonly<ReplaceLeafDto>,
    @IfMatchHeader() options: WriteOptions,
  ): Promise<ChatSessionBody> {
    const view = await this.branches.goTo(key, body.message_id, options);
    return this.replies.versioned(
      response,
      view.session,
      toChatSessionBody(view),
    );
  }
}
