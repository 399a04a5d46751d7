import { applyDecorators, Controller, Param, Post, Res } from '@nestjs/common';
import { ApiOperation } from '@nestjs/swagger';
import type { HttpResponse } from '../../http/response.js';
import { RouteErrors } from '../../http/route-errors.js';
import { OPAQUE_ID_RULE } from '../../validation/decorators.js';
import { OpaqueIdParam } from '../../validation/params.js';
import { ChatSessionsRoutes } from '../routes/chat-sessions-routes.decorator.js';
import { ApiOpaqueId, ApiVersioned } from '../routes/openapi/decorators.js';
import { EXAMPLES } from '../routes/openapi/examples.js';
import { Owner } from '../routes/owner.guard.js';
import { Replies } from '../routes/replies.js';
import { ChatSessionsService } from './chat-sessions.service.js';
import {
  ChatSessionBody,
  ChatSessionCreatedBody,
  toChatSessionBody,
} from './dto/chat-session.dto.js';

const ApiGetOrCreateSectionChatSession = () =>
  applyDecorators(
    ApiOperation({
      operationId: 'getOrCreateSectionChatSession',
      summary: 'Create or get the session of a section',
      description:
        'A caller has one session for each section of a document, however many requests ask for it at once.',
    }),
    ApiOpaqueId(
      'section_id',
      'The section of that document.',
      EXAMPLES.sectionId,
    ),
    ApiOpaqueId('document_id', "The platform's document.", EXAMPLES.documentId),
    ApiVersioned(201, 'The session is new.', {
      type: ChatSessionCreatedBody,
      example: EXAMPLES.createdSectionSession,
    }),
    ApiVersioned(200, 'The session was there already.', {
      type: ChatSessionBody,
      example: EXAMPLES.sectionSession,
    }),
    RouteErrors({
      invalid: `section_id ${OPAQUE_ID_RULE}`,
      hasBody: true,
      failure: 'Failed to create chat session',
      isFixed: true,
    }),
  );

@ChatSessionsRoutes()
@Controller('documents/:document_id/sections/:section_id/chat-session')
export class SectionChatSessionController {
  constructor(
    private readonly sessions: ChatSessionsService,
    private readonly replies: Replies,
  ) {}

  @Post()
  @ApiGetOrCreateSectionChatSession()
  async getOrCreate(
    @Res({ passthrough: true }) response: HttpResponse,
    @Owner() owner: string,
    @Param('document_id', OpaqueIdParam) documentId: string,
    @Param('section_id', OpaqueIdParam) sectionId: string,
  ): Promise<ChatSessionBody | ChatSessionCreatedBody> {
    const section = { documentId, sectionId };
    const created = await this.sessions.getOrCreateOfSection(owner, section);
    const { chat_session } = toChatSessionBody(created);
    const message = 'Chat session created successfully';
    return this.replies.written(
      response,
      created,
      created.created ? { chat_session, message } : { chat_session },
    );
  }
}
