import { ApiPropertyOptional, ApiSchema } from '@nestjs/swagger';
import { IsMessageId, Optional } from '../../../validation/decorators.js';

/** The place at which a session is forked. */
@ApiSchema({ name: 'ChatSessionFork' })
export class ForkChatSessionDto {
  /**
   * The last message to copy, on any branch: by default the last one that the session shows.
   * @example "msg_01"
   */
  @ApiPropertyOptional()
  @Optional()
  @IsMessageId()
  message_id?: string;
}
