import { ChatFork } from './store/entities/chat-fork.entity.js';
import { ChatMessageChunk } from './store/entities/chat-message-chunk.entity.js';
import { ChatMessage } from './store/entities/chat-message.entity.js';
import { ChatPurge } from './store/entities/chat-purge.entity.js';
import { ChatRangePurge } from './store/entities/chat-range-purge.entity.js';
import { ChatRun } from './store/entities/chat-run.entity.js';
import { ChatSession } from './store/entities/chat-session.entity.js';
import { ChatUsage } from './store/entities/chat-usage.entity.js';
import { IdempotencyKey } from './writes/idempotency/idempotency-key.entity.js';

/** The module's entities, for the `entities` of a data source. */
export const chatSessionsEntities = [
  ChatSession,
  ChatMessage,
  ChatPurge,
  ChatRangePurge,
  ChatFork,
  ChatRun,
  ChatMessageChunk,
  ChatUsage,
  IdempotencyKey,
];
