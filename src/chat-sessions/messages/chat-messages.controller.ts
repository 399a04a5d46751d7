import { Body, Controller, Get, Param, Post, Query, Res } from '@nestjs/common';
import {
  ApiBody,
  ApiExtraModels,
  ApiOkResponse,
  ApiOperation,
  ApiQuery,
  ApiTags,
} from '@nestjs/swagger';
import type { HttpResponse } from '../../http/reply.js';
import { RouteErrors } from '../../http/route-errors.js';
import { MESSAGE_ID_RULE } from '../../validation/decorators.js';
import { DtoPipe } from '../../validation/dto.pipe.js';
import { MessageIdParam, UuidParam } from '../../validation/params.js';
import { AppendBody } from './append-body.pipe.js';
import { ChatMessagesService } from './chat-messages.service.js';
import {
  ChatMessageBody,
  ChatMessagePage,
  ChatMessagesBody,
  toChatMessage,
} from './dto/chat-message.dto.js';
import {
  CreateChatMessageDto,
  CreateChatMessagesDto,
} from './dto/create-chat-message.dto.js';
import { ListMessagesQuery } from '../sessions/dto/queries.dto.js';
import { MESSAGE_ROLES } from '../store/entities/chat-message.entity.js';
import { IfMatch, IfMatchHeader } from '../writes/entity-tag.js';
import { ERROR_TEXTS } from '../errors.js';
import { EXAMPLES } from '../routes/openapi/examples.js';
import {
  IdempotencyKeyHeader,
  type RepeatableRequest,
} from '../writes/idempotency/idempotency-key.js';
import { OwnedRoutes } from '../routes/chat-sessions-routes.decorator.js';
import { Owner } from '../routes/owner.guard.js';
import { appendedReply, toChatMessagePage } from '../routes/replies.js';
import {
  ApiIdempotencyKey,
  ApiIfMatch,
  ApiMessageId,
  ApiSessionId,
  ApiWritten,
  CHANGE_ERRORS,
  KEY_IN_USE_HEADERS,
  KEY_REUSED,
  named,
  NOT_FOUND,
  oneOf,
  READ_ERRORS,
} from '../routes/openapi/decorators.js';

const APPENDED = {
  type: [ChatMessageBody, ChatMessagesBody],
  examples: {
    'One message': EXAMPLES.message,
    'Several, all or none': EXAMPLES.newlyAppended,
  },
};

@ApiTags('Messages')
@ApiExtraModels(
  CreateChatMessageDto,
  CreateChatMessagesDto,
  ChatMessageBody,
  ChatMessagesBody,
)
@OwnedRoutes()
@Controller('chat-sessions/:session_id/messages')
export class ChatMessagesController {
  constructor(private readonly messages: ChatMessagesService) {}

  @Post()
  @ApiOperation({
    operationId: 'appendMessages',
    summary: 'Append one message or several',
    description:
      'One message is answered with `message`; `{"messages": [...]}`, up to 100, with `messages`: they are stored all or none. A message sent again with its own `id`, or a request with its Idempotency-Key, is not stored twice.',
  })
  @ApiIfMatch()
  @ApiIdempotencyKey()
  @ApiBody({
    schema: oneOf(CreateChatMessageDto, CreateChatMessagesDto),
    examples: named({
      'One message': EXAMPLES.newMessage,
      'Several, all or none': EXAMPLES.newMessages,
    }),
  })
  @ApiWritten(201, 'As stored: `message`, or `messages` of several.', APPENDED)
  @ApiWritten(200, 'Likewise; they were stored before.', APPENDED)
  @ApiSessionId()
  @RouteErrors(
    {
      ...CHANGE_ERRORS,
      404: [NOT_FOUND, ERROR_TEXTS.messages_gone],
      409: [ERROR_TEXTS.message_id_taken, ERROR_TEXTS.key_in_use],
      ...KEY_REUSED,
      500: 'Failed to append messages',
    },
    `role must be one of the following values: ${MESSAGE_ROLES.join(', ')}`,
    KEY_IN_USE_HEADERS,
  )
  async append(
    @Res({ passthrough: true }) response: HttpResponse,
    @Owner() owner: string,
    @Param('session_id', UuidParam) sessionId: string,
    @Body(AppendBody) body: CreateChatMessageDto | CreateChatMessagesDto,
    @IfMatchHeader() ifMatch?: IfMatch,
    @IdempotencyKeyHeader() request?: RepeatableRequest,
  ): Promise<ChatMessageBody | ChatMessagesBody> {
    const isBatch = body instanceof CreateChatMessagesDto;
    const inputs = isBatch ? body.messages : [body];
    const appended = await this.messages.append(
      owner,
      sessionId,
      inputs,
      ifMatch,
      request,
    );
    return appendedReply(appended, isBatch).to(response);
  }

  @Get()
  @ApiQuery({ type: ListMessagesQuery })
  @ApiOperation({
    operationId: 'getMessages',
    summary: 'Get a page of messages',
    description:
      'Always oldest to newest. Without a cursor, the newest page; otherwise with one of `before`, `after` and `around`. A page ends early at 4 MiB.',
  })
  @ApiOkResponse({
    description: 'The page.',
    type: ChatMessagePage,
    example: EXAMPLES.page,
  })
  @ApiSessionId()
  @RouteErrors(
    {
      ...READ_ERRORS,
      500: 'Failed to get messages',
    },
    'before cannot be used together with after or around',
  )
  async page(
    @Owner() owner: string,
    @Param('session_id', UuidParam) sessionId: string,
    @Query(new DtoPipe(ListMessagesQuery)) query: Readonly<ListMessagesQuery>,
  ): Promise<ChatMessagePage> {
    return toChatMessagePage(await this.messages.page(owner, sessionId, query));
  }

  @Get(':message_id')
  @ApiOperation({ operationId: 'getMessage', summary: 'Get a message' })
  @ApiOkResponse({
    description: 'The message.',
    type: ChatMessageBody,
    example: EXAMPLES.message,
  })
  @ApiSessionId()
  @ApiMessageId()
  @RouteErrors(
    {
      400: 'Validation failed',
      404: 'Message not found',
      500: 'Failed to get message',
    },
    `message_id ${MESSAGE_ID_RULE}`,
  )
  async get(
    @Owner() owner: string,
    @Param('session_id', UuidParam) sessionId: string,
    @Param('message_id', MessageIdParam) messageId: string,
  ): Promise<ChatMessageBody> {
    const message = await this.messages.get(owner, sessionId, messageId);
    return { message: toChatMessage(message) };
  }
}
