import type * as api from './openapi/types.gen.js';

/** The body of a response with the session's ETag, which is empty if a proxy has removed the header. */
export type Tagged<Body> = Body & { etag: string };

export interface CallOptions {
  /** Aborts the call, which then rejects with the signal's reason. */
  signal?: AbortSignal;
  /** Timeout of one try, in milliseconds, if it is shorter than the client's. */
  timeoutMs?: number;
}

export interface GetOptions extends CallOptions {
  /** How many of the newest messages to get: 0 to 200 (50). */
  messages?: number;
}

export interface ChangeOptions extends CallOptions {
  /** The `etag` that the session must still have; the call rejects with status 412 if it has changed. */
  ifMatch?: string;
}

export interface CreateOptions extends CallOptions {
  /** Your own Idempotency-Key, 1 to 255 printable ASCII characters, for a call that may be repeated later, for example after a restart. The client makes one for each call. */
  idempotencyKey?: string;
}

export type AppendOptions = ChangeOptions & CreateOptions;

export interface MessageOptions extends AppendOptions {
  /** The id of the message to follow, the first one of several: by default the last one that the session shows; null for a conversation of its own. */
  parentId?: string | null;
}

export interface DeleteMessageOptions extends ChangeOptions {
  /** Whether to delete all messages below it, on every branch. */
  following?: boolean;
}

/** Filters, `limit` (1 to 100, by default 20) and `cursor` of a list of sessions. */
export type ListQuery = NonNullable<api.ListChatSessionsData['query']>;

/** `limit` (1 to 200, by default 50) and one of the cursors `before`, `after` and `around` of a page of messages; `leaf` for another branch, or `tree` for all. */
export type PageQuery = NonNullable<api.GetMessagesData['query']>;

/** Days, `by` (`day`, `model` or `session`), `limit` (10 to 1,000, by default 100) and `after` of a list of usage. */
export type UsageQuery = NonNullable<api.GetUsageData['query']>;

/** Branch, start and direction of the iteration: `from` (`oldest`), `after` or `before`. */
export type MessagesQuery = {
  /** Messages to get with each request: 1 to 200 (50). */
  limit?: number;
  /** The id of the last message of another branch. */
  leaf?: string;
} & (
  | { from?: 'oldest' | 'newest'; after?: undefined; before?: undefined }
  /** Messages with a greater `seq`, oldest first. */
  | { after: number; from?: undefined; before?: undefined }
  /** Messages with a smaller `seq`, newest first. */
  | { before: number; from?: undefined; after?: undefined }
);
