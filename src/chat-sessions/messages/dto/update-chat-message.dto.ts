import { ApiSchema } from '@nestjs/swagger';
import { ChatMessageFields } from './create-chat-message.dto.js';

/** Changes of a message: what is given replaces what was, whole. */
@ApiSchema({ name: 'ChatMessageChanges' })
export class UpdateChatMessageDto extends ChatMessageFields {}
