export { ChatSessionsClient } from './chat-sessions-client.js';
export { ChatSessionsApiError } from './error.js';
export type {
  ChatMessage,
  ChatMessageBody,
  ChatMessagePage,
  ChatMessagesBody,
  ChatSession,
  ChatSessionBody,
  ChatSessionChanges,
  ChatSessionListBody,
  ChatSessionSummary,
  NewChatMessage,
  NewChatSession,
} from './openapi/types.gen.js';
export type {
  AppendOptions,
  CallOptions,
  ChangeOptions,
  CreateOptions,
  GetOptions,
  ListQuery,
  MessagesQuery,
  PageQuery,
  Tagged,
} from './options.js';
export type { ClientOptions, TokenProvider } from './transport.js';
