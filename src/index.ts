/**
 * Chat Sessions as a module of a NestJS application; docs/embedding.md is its
 * guide. Nothing here loads a driver of a database or an HTTP adapter.
 */
export { ChatSessionsModule } from './chat-sessions/chat-sessions.module.js';
export type {
  AdmittedRead,
  CacheMode,
  ChatSessionsOptions,
  ChatSessionsRegistration,
  RouteGroup,
} from './chat-sessions/options.js';

export {
  BranchesService,
  type Moved,
} from './chat-sessions/branches/branches.service.js';
export { ForksService } from './chat-sessions/forks/forks.service.js';
export {
  ChatMessagesService,
  type Edited,
} from './chat-sessions/messages/chat-messages.service.js';
export type {
  Appended,
  NewMessages,
} from './chat-sessions/messages/message-inserts.js';
export type {
  MessagesQuery,
  SessionWithPage,
} from './chat-sessions/messages/message-reads.js';
export type {
  Created,
  SectionKey,
} from './chat-sessions/sessions/chat-session-creation.js';
export {
  ChatSessionsService,
  type GetSessionOptions,
  type SessionPage,
  type SessionRead,
  type SessionView,
} from './chat-sessions/sessions/chat-sessions.service.js';
export type {
  SessionKey,
  SessionState,
} from './chat-sessions/store/chat-sessions.repository.js';
export type {
  MessagePage,
  PlacedMessage,
} from './chat-sessions/store/placed-messages.repository.js';
export { IfMatch, entityTagOf } from './chat-sessions/writes/entity-tag.js';
export type { RepeatableRequest } from './chat-sessions/writes/idempotency/idempotency-key.js';
export {
  SessionEvents,
  type SessionEvent,
} from './chat-sessions/writes/session-events.js';
export type {
  WriteOptions,
  Written,
} from './chat-sessions/writes/session-writes.js';
export { Database } from './database/database.js';

export { chatSessionsEntities } from './chat-sessions/entities.js';
export { sqliteDataSource } from './chat-sessions/sqlite-data-source.js';
export {
  ChatMessage,
  MESSAGE_ROLES,
  type MessageRole,
} from './chat-sessions/store/entities/chat-message.entity.js';
export {
  ChatSession,
  type JsonObject,
} from './chat-sessions/store/entities/chat-session.entity.js';
export {
  mysqlMigrations,
  sqliteMigrations,
} from './chat-sessions/store/migrations/migrations.js';
export { IdempotencyKey } from './chat-sessions/writes/idempotency/idempotency-key.entity.js';
export { allowLongtext } from './database/sqlite/data-source.js';

export { LIMITS, PAGE } from './chat-sessions/limits.js';
export {
  ChatMessageBody,
  ChatMessageDto,
  ChatMessagePage,
  ChatMessagesBody,
  toChatMessage,
} from './chat-sessions/messages/dto/chat-message.dto.js';
export {
  CreateChatMessageDto,
  CreateChatMessagesDto,
} from './chat-sessions/messages/dto/create-chat-message.dto.js';
export { ListMessagesQuery } from './chat-sessions/messages/dto/list-messages-query.dto.js';
export {
  ChatSessionBody,
  ChatSessionCreatedBody,
  ChatSessionDoneBody,
  ChatSessionDto,
  ChatSessionListBody,
  ChatSessionSummaryDto,
  toChatSession,
  toChatSessionSummary,
} from './chat-sessions/sessions/dto/chat-session.dto.js';
export { CreateChatSessionDto } from './chat-sessions/sessions/dto/create-chat-session.dto.js';
export { GetChatSessionQuery } from './chat-sessions/sessions/dto/get-chat-session-query.dto.js';
export { ListChatSessionsQuery } from './chat-sessions/sessions/dto/list-chat-sessions-query.dto.js';
export {
  MergeChatSessionDto,
  ReplaceConfigDto,
  UpdateChatSessionDto,
} from './chat-sessions/sessions/dto/update-chat-session.dto.js';
export { ValidationFailedException, validated } from './validation/dto.pipe.js';

export {
  ERRORS as CHAT_SESSIONS_ERRORS,
  ChatSessionsError,
  type ChatSessionsErrorCode,
} from './chat-sessions/errors.js';
export { StoreUnavailableError } from './database/errors.js';
export { CodedError, type ErrorInfo } from './errors/coded-error.js';
export { ChatSessionsExceptionsFilter } from './http/exception.filter.js';
export { HttpExceptionsInterceptor } from './http/http-exceptions.interceptor.js';
export { toHttpException } from './http/http-exceptions.js';
export { ErrorBody, ValidationErrorBody } from './http/route-errors.js';
