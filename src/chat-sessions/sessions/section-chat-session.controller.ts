import { Controller, Param, Post, Res } from '@nestjs/common';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import type { HttpResponse } from '../../http/reply.js';
import { BODY_ERRORS, RouteErrors } from '../../http/route-errors.js';
import { OPAQUE_ID_RULE } from '../../validation/decorators.js';
import { OpaqueIdParam } from '../../validation/params.js';
import { ChatSessionsService } from './chat-sessions.service.js';
import {
  ChatSessionBody,
  ChatSessionCreatedBody,
} from './dto/chat-session.dto.js';
import { EXAMPLES } from '../routes/openapi/examples.js';
import { OwnedRoutes } from '../routes/chat-sessions-routes.decorator.js';
import { Owner } from '../routes/owner.guard.js';
import { sectionReply } from '../routes/replies.js';
import { ApiOpaqueId, ApiVersioned } from '../routes/openapi/decorators.js';

@ApiTags('Chat sessions')
@OwnedRoutes()
@Controller('documents/:document_id/sections/:section_id/chat-session')
export class SectionChatSessionController {
  constructor(private readonly sessions: ChatSessionsService) {}

  @Post()
  @ApiOperation({
    operationId: 'getOrCreateSectionChatSession',
    summary: 'Create or get the session of a section',
    description:
      'A caller has one session for each section of a document, however many requests ask for it at once.',
  })
  @ApiVersioned(201, 'The session is new.', {
    type: ChatSessionCreatedBody,
    example: EXAMPLES.createdSectionSession,
  })
  @ApiVersioned(200, 'The session was there already.', {
    type: ChatSessionBody,
    example: EXAMPLES.sectionSession,
  })
  @ApiOpaqueId('document_id', "The platform's document.", EXAMPLES.documentId)
  @ApiOpaqueId(
    'section_id',
    'The section of that document.',
    EXAMPLES.sectionId,
  )
  @RouteErrors(
    {
      400: 'Validation failed',
      ...BODY_ERRORS,
      500: 'Failed to create chat session',
    },
    `section_id ${OPAQUE_ID_RULE}`,
  )
  async getOrCreate(
    @Res({ passthrough: true }) response: HttpResponse,
    @Owner() owner: string,
    @Param('document_id', OpaqueIdParam) documentId: string,
    @Param('section_id', OpaqueIdParam) sectionId: string,
  ): Promise<ChatSessionBody | ChatSessionCreatedBody> {
    const created = await this.sessions.getOrCreateOfSection(
      owner,
      documentId,
      sectionId,
    );
    return sectionReply(created).to(response);
  }
}
