export { ChatSessionsClient } from './chat-sessions-client.js';
export { ChatSessionsApiError } from './error.js';
export type {
  ChatMessage,
  ChatMessageBody,
  ChatMessageChanges,
  ChatMessagePage,
  ChatMessagesBody,
  ChatRun,
  ChatRunBody,
  ChatRunEnded,
  ChatRunFinish,
  ChatRunOutput,
  ChatRunOutputStored,
  ChatRunStarted,
  ChatSession,
  ChatSessionBody,
  ChatSessionChanges,
  ChatSessionListBody,
  ChatSessionSummary,
  ChatUsageList,
  NewChatMessage,
  NewChatMessagesInstead,
  NewChatRun,
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
  UsageQuery,
} from './options.js';
export {
  RunEnded,
  type AnswerPart,
  type Run,
  type RunResult,
  type WriteRunOptions,
} from './run.js';
export type { ClientOptions, TokenProvider } from './transport.js';
