export { ChatSessionsClient } from './chat-sessions-client.js';
export { ChatSessionsApiError } from './error.js';
export type {
  ChatMessage,
  ChatMessageBody,
  ChatMessageChanges,
  ChatMessagePage,
  ChatMessagesBody,
  ChatSession,
  ChatSessionBody,
  ChatSessionChanges,
  ChatSessionListBody,
  ChatSessionSummary,
  NewChatMessage,
  NewChatMessagesInstead,
  NewChatSession,
} from './openapi/types.gen.js';
export type {
  AppendOptions,
  CallOptions,
  ChangeOptions,
  CreateOptions,
  DeleteMessageOptions,
  GetOptions,
  ListQuery,
  MessageOptions,
  MessagesQuery,
  PageQuery,
  Tagged,
} from './options.js';
export type { ClientOptions, TokenProvider } from './transport.js';
