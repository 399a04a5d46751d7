import { ApiSchema, PickType } from '@nestjs/swagger';
import { CreateChatMessageDto } from './create-chat-message.dto.js';

/** Changes of a message: what is given replaces what was, whole. */
@ApiSchema({ name: 'ChatMessageChanges' })
export class UpdateChatMessageDto extends PickType(CreateChatMessageDto, [
  'content',
  'parts',
  'references',
  'metadata',
]) {}
