import { ChatMessage } from './store/entities/chat-message.entity.js';
import { ChatSession } from './store/entities/chat-session.entity.js';
import { IdempotencyKey } from './writes/idempotency/idempotency-key.entity.js';

/** All that the module stores: for the `entities` of a data source. */
export const chatSessionsEntities = [ChatSession, ChatMessage, IdempotencyKey];
