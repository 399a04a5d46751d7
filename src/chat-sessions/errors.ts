export const ERROR_TEXTS = {
  message_empty: 'Message cannot be empty',
  session_id_taken: 'Chat session id is already in use',
  section_taken: 'The section already has a chat session',
  message_id_taken: 'Message id is already in use with other content',
  key_reused: 'Idempotency-Key was used for another request',
  key_in_use: 'The first request with this Idempotency-Key is still running',
  messages_gone: 'The messages of this request were deleted since',
  version_moved: 'Chat session has changed since the version of If-Match',
} as const;

export type ChatSessionsErrorCode = keyof typeof ERROR_TEXTS;

/** A rule of the domain that a request breaks; its message may be shown to the client. */
export class ChatSessionsError extends Error {
  constructor(readonly code: ChatSessionsErrorCode) {
    super(ERROR_TEXTS[code]);
    this.name = 'ChatSessionsError';
  }
}
