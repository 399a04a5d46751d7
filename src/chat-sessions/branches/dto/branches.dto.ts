import { ApiProperty, ApiPropertyOptional, ApiSchema } from '@nestjs/swagger';
import { IsArray, IsBoolean } from 'class-validator';
import {
  IsMessageId,
  MESSAGE_ID_SCHEMA,
  NestedArray,
  NullOr,
} from '../../../validation/decorators.js';
import { LIMITS } from '../../limits.js';
import {
  CreateChatMessageDto,
  UniqueIds,
} from '../../messages/dto/create-chat-message.dto.js';

/** Messages in place of those that follow another one. */
@ApiSchema({ name: 'NewChatMessagesInstead' })
export class ReplaceChatMessagesDto {
  /** The message after which they come; null replaces the conversation from its start. */
  @ApiProperty({
    ...MESSAGE_ID_SCHEMA,
    nullable: true,
    example: 'msg_01',
  })
  @NullOr()
  @IsMessageId()
  after_id: string | null;

  /** 0 to 100; none takes back what follows. */
  @ApiProperty({ maxItems: LIMITS.messagesPerBatch })
  @IsArray()
  @NestedArray(() => CreateChatMessageDto, LIMITS.messagesPerBatch)
  @UniqueIds()
  messages: CreateChatMessageDto[];

  /**
   * Whether what followed stays as another branch; false deletes it.
   * @example true
   */
  @ApiPropertyOptional()
  @IsBoolean()
  keep: boolean = true;
}

/** The branch that a session shows from now on. */
@ApiSchema({ name: 'ChatSessionLeaf' })
export class ReplaceLeafDto {
  /**
   * A message of the branch to show.
   * @example "msg_01"
   */
  @IsMessageId()
  message_id: string;
}

export class DeleteMessageQuery {
  /** Whether all messages below it, on every branch, are deleted as well. */
  @ApiPropertyOptional()
  @IsBoolean()
  following: boolean = false;
}
