/**
 * Chat Sessions as a module of a NestJS application; docs/embedding.md is its
 * guide. Nothing here loads a driver of a database or an HTTP adapter.
 */
export { ChatSessionsModule } from './chat-sessions/chat-sessions.module.js';
export type {
  CacheMode,
  ChatSessionsDataSource,
  ChatSessionsOptions,
} from './chat-sessions/options.js';

export {
  type Appended,
  ChatMessagesService,
  type Conversation,
} from './chat-sessions/chat-messages.service.js';
export type { MessagePage } from './chat-sessions/chat-messages.repository.js';
export type { Created } from './chat-sessions/chat-session-creation.js';
export {
  ChatSessionsService,
  type SessionPage,
  type SessionRead,
  type SessionView,
} from './chat-sessions/chat-sessions.service.js';
export { entityTagOf, IfMatch } from './chat-sessions/entity-tag.js';
export type { SessionState } from './chat-sessions/chat-sessions.repository.js';
export type { Written } from './chat-sessions/idempotency.js';
export type { RepeatableRequest } from './chat-sessions/idempotency-key.js';
export type {
  MessagePageQuery,
  MessageRange,
} from './chat-sessions/message-range.js';
export { Database } from './database/database.js';

export { chatSessionsEntities } from './chat-sessions/entities/entities.js';
export {
  ChatMessage,
  MESSAGE_ROLES,
  type MessageRole,
} from './chat-sessions/entities/chat-message.entity.js';
export {
  ChatSession,
  type JsonObject,
} from './chat-sessions/entities/chat-session.entity.js';
export { IdempotencyKey } from './chat-sessions/entities/idempotency-key.entity.js';
export {
  mysqlMigrations,
  sqliteMigrations,
} from './database/migrations/migrations.js';
export {
  allowLongtext,
  sqliteDataSource,
} from './database/sqlite-data-source.js';

export {
  ChatMessageBody,
  ChatMessageDto,
  ChatMessagePage,
  ChatMessagesBody,
  toChatMessage,
} from './chat-sessions/dto/chat-message.dto.js';
export {
  ChatSessionBody,
  ChatSessionCreatedBody,
  ChatSessionDto,
  ChatSessionListBody,
  ChatSessionSummaryDto,
  ChatSessionDoneBody,
  toChatSession,
  toChatSessionSummary,
} from './chat-sessions/dto/chat-session.dto.js';
export {
  CreateChatMessageDto,
  CreateChatMessagesDto,
} from './chat-sessions/dto/create-chat-message.dto.js';
export { CreateChatSessionDto } from './chat-sessions/dto/create-chat-session.dto.js';
export { LIMITS, PAGE } from './chat-sessions/dto/limits.js';
export {
  GetChatSessionQuery,
  ListChatSessionsQuery,
  ListMessagesQuery,
} from './chat-sessions/dto/queries.dto.js';
export {
  ReplaceConfigDto,
  UpdateChatSessionDto,
} from './chat-sessions/dto/update-chat-session.dto.js';
export { validated, ValidationFailedException } from './validation/dto.pipe.js';

export {
  ChatSessionsError,
  type ChatSessionsErrorCode,
} from './chat-sessions/errors.js';
export { StoreUnavailableError } from './database/errors.js';
export { AllExceptionsFilter as ChatSessionsExceptionsFilter } from './http/exception.filter.js';
export { ErrorBody, ValidationErrorBody } from './http/route-errors.js';
