import { eachSession } from './iterate.js';
import type * as api from './openapi/types.gen.js';
import type { Operation } from './operation.js';
import type {
  AppendOptions,
  CallOptions,
  ChangeOptions,
  CreateOptions,
  GetOptions,
  ListQuery,
  Tagged,
} from './options.js';
import { RunsClient } from './runs-client.js';

/**
 * A client of Chat Sessions. Its methods resolve to the body of the response.
 *
 * They reject with `ChatSessionsApiError`, with the reason of an aborted `signal`, with
 * what the token provider throws, or with a TypeError for an id that no path can hold.
 *
 * Failed requests are sent again if that may help: reads; creates, forks, appends, replaces and
 * clears, which are done once however often they are sent; other changes only with `ifMatch`.
 */
export class ChatSessionsClient extends RunsClient {
  /**
   * Creates a session.
   * @param session its fields and first messages; with an `id` of your own the call is repeatable without a key
   */
  create(
    session: api.NewChatSession = {},
    options: CreateOptions = {},
  ): Promise<Tagged<api.ChatSessionBody>> {
    // A session with an id of its own needs no key.
    const ownKey = session.id ? undefined : crypto.randomUUID();
    const operation: api.CreateChatSessionData = {
      url: '/api/chat-sessions',
      headers: { 'Idempotency-Key': options.idempotencyKey ?? ownKey },
      body: session,
    };
    return this.sendTagged<api.CreateChatSessionResponse>(
      'POST',
      operation,
      options,
    );
  }

  /** Gets the caller's session of a section, or creates it if there is none. A caller has at most one session of a section. */
  ofSection(
    document_id: string,
    section_id: string,
    options?: CallOptions,
  ): Promise<Tagged<api.ChatSessionBody>> {
    const operation: api.GetOrCreateSectionChatSessionData = {
      url: '/api/documents/{document_id}/sections/{section_id}/chat-session',
      path: { document_id, section_id },
    };
    return this.sendTagged<api.GetOrCreateSectionChatSessionResponse>(
      'POST',
      operation,
      options,
    );
  }

  /** Gets a session with its newest messages, oldest first. */
  get(
    session_id: string,
    options?: GetOptions,
  ): Promise<Tagged<api.ChatSessionBody>>;
  /**
   * Gets a session if it has changed.
   * @param options with `ifNoneMatch`, the `etag` of the session that you have
   * @returns undefined if the session still has that `etag`
   */
  get(
    session_id: string,
    options: GetOptions & { ifNoneMatch: string },
  ): Promise<Tagged<api.ChatSessionBody> | undefined>;
  async get(
    session_id: string,
    options: GetOptions & { ifNoneMatch?: string } = {},
  ): Promise<Tagged<api.ChatSessionBody> | undefined> {
    const operation: api.GetChatSessionData = {
      url: '/api/chat-sessions/{session_id}',
      path: { session_id },
      query: { messages: options.messages },
      headers: { 'If-None-Match': options.ifNoneMatch },
    };
    const tagged = await this.sendTagged<Partial<api.GetChatSessionResponse>>(
      'GET',
      operation,
      options,
    );
    const { chat_session, etag } = tagged;
    return chat_session && { chat_session, etag };
  }

  /** Gets a page of the caller's sessions, latest activity first. */
  list(
    query?: ListQuery,
    options?: CallOptions,
  ): Promise<api.ChatSessionListBody> {
    const operation: api.ListChatSessionsData = {
      url: '/api/chat-sessions',
      query,
    };
    return this.send<api.ListChatSessionsResponse>('GET', operation, options);
  }

  /** Iterates over the caller's sessions, latest activity first, and gets a page when it is needed. May miss a session that becomes active meanwhile. */
  sessions(query: ListQuery = {}, options?: CallOptions) {
    const getPage = (page: ListQuery) => this.list(page, options);
    return eachSession(getPage, query, options?.signal);
  }

  /**
   * Replaces some fields of a session.
   * @param changes fields that are left out stay as they are
   */
  update(
    session_id: string,
    changes: api.ChatSessionChanges,
    options: ChangeOptions = {},
  ): Promise<Tagged<api.ChatSessionBody>> {
    const operation: api.UpdateChatSessionData = {
      url: '/api/chat-sessions/{session_id}',
      path: { session_id },
      headers: { 'If-Match': options.ifMatch },
      body: changes,
    };
    return this.sendTagged<api.UpdateChatSessionResponse>(
      'PATCH',
      operation,
      options,
    );
  }

  /**
   * Changes parts of the metadata and configuration of a session.
   * @param patch a merge patch (RFC 7396): objects in `metadata` and `config` are merged, null removes a
   * member, and any other value replaces what was
   */
  merge(
    session_id: string,
    patch: api.ChatSessionMergePatch,
    options: ChangeOptions = {},
  ): Promise<Tagged<api.ChatSessionBody>> {
    const operation: Operation = {
      url: '/api/chat-sessions/{session_id}',
      path: { session_id },
      headers: {
        'If-Match': options.ifMatch,
        'Content-Type': 'application/merge-patch+json',
      },
      body: patch,
    };
    return this.sendTagged<api.UpdateChatSessionResponse>(
      'PATCH',
      operation,
      options,
    );
  }

  /** Replaces the whole configuration of a session. */
  replaceConfig(
    session_id: string,
    config: api.ChatSessionConfig['config'],
    options: ChangeOptions = {},
  ): Promise<Tagged<api.ChatSessionDoneBody>> {
    const operation: api.ReplaceChatConfigData = {
      url: '/api/chat-sessions/{session_id}/config',
      path: { session_id },
      headers: { 'If-Match': options.ifMatch },
      body: { config },
    };
    return this.sendTagged<api.ReplaceChatConfigResponse>(
      'PUT',
      operation,
      options,
    );
  }

  /** Copies the messages up to one, by default the last that the session shows, into a new session. */
  fork(
    session_id: string,
    point: api.ChatSessionFork = {},
    options: AppendOptions = {},
  ): Promise<Tagged<api.ChatSessionBody>> {
    const operation: api.ForkChatSessionData = {
      url: '/api/chat-sessions/{session_id}/fork',
      path: { session_id },
      headers: {
        'Idempotency-Key': options.idempotencyKey ?? crypto.randomUUID(),
        'If-Match': options.ifMatch,
      },
      body: point,
    };
    return this.sendTagged<api.ForkChatSessionResponse>(
      'POST',
      operation,
      options,
    );
  }

  /** Deletes all messages of a session and keeps the session. */
  clear(
    session_id: string,
    options: AppendOptions = {},
  ): Promise<Tagged<api.ChatSessionDoneBody>> {
    const operation: api.ClearChatSessionData = {
      url: '/api/chat-sessions/{session_id}/clear',
      path: { session_id },
      headers: {
        'Idempotency-Key': options.idempotencyKey ?? crypto.randomUUID(),
        'If-Match': options.ifMatch,
      },
    };
    return this.sendTagged<api.ClearChatSessionResponse>(
      'POST',
      operation,
      options,
    );
  }

  /** Deletes a session and its messages. */
  delete(session_id: string, options: ChangeOptions = {}): Promise<void> {
    const operation: api.DeleteChatSessionData = {
      url: '/api/chat-sessions/{session_id}',
      path: { session_id },
      headers: { 'If-Match': options.ifMatch },
    };
    return this.send<api.DeleteChatSessionResponse>(
      'DELETE',
      operation,
      options,
    );
  }

  /** Gets the newest 50 messages of the caller's most recently active session, oldest first. */
  history(options?: CallOptions): Promise<api.ChatMessagesBody> {
    const operation: api.GetHistoryData = {
      url: '/api/history',
    };
    return this.send<api.GetHistoryResponse>('GET', operation, options);
  }
}
