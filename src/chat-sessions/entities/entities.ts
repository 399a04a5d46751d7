import { ChatMessage } from './chat-message.entity.js';
import { ChatSession } from './chat-session.entity.js';
import { IdempotencyKey } from './idempotency-key.entity.js';

/** All that the module stores: for the `entities` of a data source. */
export const chatSessionsEntities = [ChatSession, ChatMessage, IdempotencyKey];
