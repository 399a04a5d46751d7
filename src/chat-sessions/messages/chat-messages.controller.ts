import { Body, Controller, Get, Patch, Post, Query, Res } from '@nestjs/common';
import type { HttpResponse } from '../../http/response.js';
import { DtoPipe } from '../../validation/dto.pipe.js';
import { ChatSessionsRoutes } from '../routes/chat-sessions-routes.decorator.js';
import { IfMatchHeader, WriteHeaders } from '../routes/headers.js';
import { MessageIdParam, SessionKeyParam } from '../routes/path-params.js';
import { Replies } from '../routes/replies.js';
import type { SessionKey } from '../store/chat-sessions.repository.js';
import type { WriteOptions } from '../writes/session-writes.js';
import { AppendBody } from './append-body.pipe.js';
import {
  ApiAppendMessages,
  ApiGetMessage,
  ApiGetMessages,
  ApiUpdateMessage,
} from './chat-messages.openapi.js';
import { ChatMessagesService } from './chat-messages.service.js';
import {
  ChatMessageBody,
  ChatMessagePage,
  ChatMessagesBody,
  toChatMessage,
  toChatMessagePage,
} from './dto/chat-message.dto.js';
import {
  AppendChatMessageDto,
  CreateChatMessagesDto,
} from './dto/create-chat-message.dto.js';
import { ListMessagesQuery } from './dto/list-messages-query.dto.js';
import { UpdateChatMessageDto } from './dto/update-chat-message.dto.js';

@ChatSessionsRoutes()
@Controller('chat-sessions/:session_id/messages')
export class ChatMessagesController {
  constructor(
    private readonly messages: ChatMessagesService,
    private readonly replies: Replies,
  ) {}

  @Post()
  @ApiAppendMessages()
  async append(
    @Res({ passthrough: true }) response: HttpResponse,
    @SessionKeyParam() key: SessionKey,
    @Body(AppendBody) body: AppendChatMessageDto | CreateChatMessagesDto,
    @WriteHeaders() options: WriteOptions,
  ): Promise<ChatMessageBody | ChatMessagesBody> {
    const isBatch = body instanceof CreateChatMessagesDto;
    const added = {
      messages: isBatch ? body.messages : [body],
      parentId: body.parent_id,
    };
    const appended = await this.messages.append(key, added, options);
    const messages = appended.messages.map(toChatMessage);
    return this.replies.written(
      response,
      appended,
      isBatch ? { messages } : { message: messages[0]! },
    );
  }

  @Get()
  @ApiGetMessages()
  async page(
    @SessionKeyParam() key: SessionKey,
    @Query(new DtoPipe(ListMessagesQuery)) query: Readonly<ListMessagesQuery>,
  ): Promise<ChatMessagePage> {
    const page = await this.messages.page(key, query);
    return this.replies.json(toChatMessagePage(page));
  }

  @Get(':message_id')
  @ApiGetMessage()
  async get(
    @SessionKeyParam() key: SessionKey,
    @MessageIdParam() messageId: string,
  ): Promise<ChatMessageBody> {
    const message = await this.messages.get(key, messageId);
    return this.replies.json({ message: toChatMessage(message) });
  }

  @Patch(':message_id')
  @ApiUpdateMessage()
  async edit(
    @Res({ passthrough: true }) response: HttpResponse,
    @SessionKeyParam() key: SessionKey,
    @MessageIdParam() messageId: string,
    @Body(new DtoPipe(UpdateChatMessageDto))
    body: Readonly<UpdateChatMessageDto>,
    @IfMatchHeader() options: WriteOptions,
  ): Promise<ChatMessageBody> {
    const edited = await this.messages.edit(key, messageId, body, options);
    const message = toChatMessage(edited.message);
    return this.replies.versioned(response, edited.session, { message });
  }
}
