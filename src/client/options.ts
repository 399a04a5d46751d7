import type * as api from './openapi/types.gen.js';

/** The body of an answer, with the session's ETag; empty where something on the way took it off. */
export type Tagged<Body> = Body & { etag: string };

export interface CallOptions {
  /** Ends the call, which then rejects with the signal's reason. */
  signal?: AbortSignal;
}

export interface GetOptions extends CallOptions {
  /** How many of the newest messages come along: 0 to 200, by default 50. */
  messages?: number;
}

export interface ChangeOptions extends CallOptions {
  /** The session's `etag` as the caller knows it: 412 where it has changed since. */
  ifMatch?: string;
}

export interface CreateOptions extends CallOptions {
  /** The caller's own key, for a call that is made again later, say after a restart. */
  idempotencyKey?: string;
}

export type AppendOptions = ChangeOptions & CreateOptions;

export type ListQuery = NonNullable<api.ListChatSessionsData['query']>;

export type PageQuery = NonNullable<api.GetMessagesData['query']>;

/** Where to begin, and with that the direction: one of the three, or else `from: 'oldest'`. */
export type MessagesQuery = {
  /** How many messages a request gets: 1 to 200, by default 50. */
  limit?: number;
} & (
  | { from?: 'oldest' | 'newest'; after?: undefined; before?: undefined }
  /** Only messages after this seq, oldest first. */
  | { after: number; from?: undefined; before?: undefined }
  /** Only messages before this seq, newest first. */
  | { before: number; from?: undefined; after?: undefined }
);
