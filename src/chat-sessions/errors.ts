import { CodedError, type ErrorInfo } from '../errors/coded-error.js';

/** The module's error codes: the one place for their status, text and headers. */
export const ERRORS = {
  message_empty: { status: 400, text: 'Message cannot be empty' },
  parent_unknown: {
    status: 400,
    text: 'No message of the chat session has the id in parent_id',
  },
  after_unknown: {
    status: 400,
    text: 'The chat session shows no message with the id in after_id',
  },
  leaf_unknown: {
    status: 404,
    text: 'No message of the chat session has the id in leaf',
  },
  session_id_taken: { status: 409, text: 'Chat session id is already in use' },
  session_being_deleted: {
    status: 503,
    text: 'Chat session with this id is still being deleted',
    retryAfter: 1,
  },
  session_differs: {
    status: 409,
    text: 'Chat session exists with other messages',
  },
  section_taken: {
    status: 409,
    text: 'The section already has a chat session',
  },
  message_id_taken: {
    status: 409,
    text: 'Message id is already in use with other content',
  },
  key_reused: {
    status: 422,
    text: 'Idempotency-Key was used for another request',
  },
  key_in_use: {
    status: 409,
    text: 'The first request with this Idempotency-Key is still running',
    retryAfter: 1,
  },
  too_many_branches: {
    status: 409,
    text: 'Chat session has too many branches',
  },
  fork_interrupted: {
    status: 503,
    text: 'Messages of the chat session were deleted while they were copied',
    retryAfter: 1,
  },
  run_active: {
    status: 409,
    text: 'An answer is being written in the chat session',
  },
  run_ended: { status: 409, text: 'The run has ended' },
  run_waiting: { status: 409, text: 'The run waits and has no writer' },
  run_not_ready: {
    status: 409,
    text: 'The run is not ready: it has a writer, or waits for an answer',
  },
  run_id_taken: {
    status: 409,
    text: 'Run id is already in use with another question',
  },
  fence_stale: { status: 409, text: 'The run has another writer' },
  offset_mismatch: {
    status: 409,
    text: 'The output does not continue the answer',
  },
  answer_too_large: { status: 413, text: 'The answer is too large' },
  interrupt_answered: { status: 409, text: 'The interrupt was answered' },
  messages_gone: {
    status: 404,
    text: 'The messages of this request were deleted since',
  },
  version_moved: {
    status: 412,
    text: 'Chat session has changed since the version of If-Match',
  },
} as const satisfies Record<string, ErrorInfo>;

export type ChatSessionsErrorCode = keyof typeof ERRORS;

/** A rule of the domain that a request breaks. */
export class ChatSessionsError extends CodedError<ChatSessionsErrorCode> {
  /** @param details what the body has beside `error` and `code` */
  constructor(code: ChatSessionsErrorCode, details?: object) {
    super(code, ERRORS[code], undefined, details);
  }
}
