import { Caller } from './caller.js';
import { eachMessage } from './iterate.js';
import type * as api from './openapi/types.gen.js';
import type {
  AppendOptions,
  CallOptions,
  ChangeOptions,
  DeleteMessageOptions,
  MessageOptions,
  MessagesQuery,
  PageQuery,
  Tagged,
} from './options.js';

/** The messages of sessions. */
export class MessagesClient extends Caller {
  /** Appends a message. */
  append(
    session_id: string,
    message: api.NewChatMessage,
    options?: MessageOptions,
  ): Promise<Tagged<api.ChatMessageBody>>;
  /** Appends 1 to 100 messages, either all or none. */
  append(
    session_id: string,
    messages: api.NewChatMessage[],
    options?: MessageOptions,
  ): Promise<Tagged<api.ChatMessagesBody>>;
  append(
    session_id: string,
    input: api.NewChatMessage | api.NewChatMessage[],
    options: MessageOptions = {},
  ): Promise<Tagged<api.ChatMessageBody | api.ChatMessagesBody>> {
    // With the caller's own key the body must be the same when the call is repeated.
    const withId = (message: api.NewChatMessage) =>
      options.idempotencyKey === undefined
        ? { ...message, id: message.id ?? crypto.randomUUID() }
        : message;
    const operation: api.AppendMessagesData = {
      url: '/api/chat-sessions/{session_id}/messages',
      path: { session_id },
      headers: {
        'Idempotency-Key': options.idempotencyKey,
        'If-Match': options.ifMatch,
      },
      body: {
        parent_id: options.parentId,
        ...(Array.isArray(input)
          ? { messages: input.map(withId) }
          : withId(input)),
      },
    };
    return this.sendTagged<api.AppendMessagesResponse>(
      'POST',
      operation,
      options,
    );
  }

  /**
   * Gets a page of messages, oldest first.
   * @param query without a cursor, the newest page
   */
  page(
    session_id: string,
    query?: PageQuery,
    options?: CallOptions,
  ): Promise<api.ChatMessagePage> {
    const operation: api.GetMessagesData = {
      url: '/api/chat-sessions/{session_id}/messages',
      path: { session_id },
      query,
    };
    return this.send<api.GetMessagesResponse>('GET', operation, options);
  }

  /** Iterates over the messages of a session, by default from the oldest, and gets a page when it is needed. */
  messages(id: string, query: MessagesQuery = {}, options?: CallOptions) {
    const getPage = (page: PageQuery) => this.page(id, page, options);
    return eachMessage(getPage, query, options?.signal);
  }

  /** Gets a message by its id. */
  message(
    session_id: string,
    message_id: string,
    options?: CallOptions,
  ): Promise<api.ChatMessageBody> {
    const operation: api.GetMessageData = {
      url: '/api/chat-sessions/{session_id}/messages/{message_id}',
      path: { session_id, message_id },
    };
    return this.send<api.GetMessageResponse>('GET', operation, options);
  }

  /**
   * Asks a question anew: the new one becomes a branch beside it, and the session shows it.
   * @param question the message as the service returned it
   */
  edit(
    session_id: string,
    question: Pick<api.ChatMessage, 'parent_id'>,
    message: api.NewChatMessage,
    options?: AppendOptions,
  ): Promise<Tagged<api.ChatMessageBody>> {
    const parentId = question.parent_id;
    return this.append(session_id, message, { ...options, parentId });
  }

  /** Adds another answer to a question: it becomes a branch beside the others, and the session shows it. */
  regenerate(
    session_id: string,
    question_id: string,
    answer: api.NewChatMessage,
    options?: AppendOptions,
  ): Promise<Tagged<api.ChatMessageBody>> {
    const parentId = question_id;
    return this.append(session_id, answer, { ...options, parentId });
  }

  /**
   * Replaces what follows a message on the branch that the session shows.
   * @param replacement 0 to 100 `messages` that follow `after_id` instead (null: from the start); what
   * followed stays as another branch, unless `keep` is false
   */
  replace(
    session_id: string,
    replacement: api.NewChatMessagesInstead,
    options: AppendOptions = {},
  ): Promise<Tagged<api.ChatMessagesBody>> {
    const operation: api.ReplaceMessagesData = {
      url: '/api/chat-sessions/{session_id}/messages/replace',
      path: { session_id },
      headers: {
        'Idempotency-Key': options.idempotencyKey ?? crypto.randomUUID(),
        'If-Match': options.ifMatch,
      },
      body: replacement,
    };
    return this.sendTagged<api.ReplaceMessagesResponse>(
      'POST',
      operation,
      options,
    );
  }

  /**
   * Changes a message in place.
   * @param changes fields that are left out stay as they are
   */
  updateMessage(
    session_id: string,
    message_id: string,
    changes: api.ChatMessageChanges,
    options: ChangeOptions = {},
  ): Promise<Tagged<api.ChatMessageBody>> {
    const operation: api.UpdateMessageData = {
      url: '/api/chat-sessions/{session_id}/messages/{message_id}',
      path: { session_id, message_id },
      headers: { 'If-Match': options.ifMatch },
      body: changes,
    };
    return this.sendTagged<api.UpdateMessageResponse>(
      'PATCH',
      operation,
      options,
    );
  }

  /** Deletes a message. Those that follow it then follow the one before it, or, with `following`, are deleted as well. */
  deleteMessage(
    session_id: string,
    message_id: string,
    options: DeleteMessageOptions = {},
  ): Promise<void> {
    const operation: api.DeleteMessageData = {
      url: '/api/chat-sessions/{session_id}/messages/{message_id}',
      path: { session_id, message_id },
      query: { following: options.following },
      headers: { 'If-Match': options.ifMatch },
    };
    return this.send<api.DeleteMessageResponse>('DELETE', operation, options);
  }

  /** Shows the branch of a message, down to its newest leaf. */
  goTo(
    session_id: string,
    message_id: string,
    options: ChangeOptions = {},
  ): Promise<Tagged<api.ChatSessionBody>> {
    const operation: api.ReplaceLeafData = {
      url: '/api/chat-sessions/{session_id}/leaf',
      path: { session_id },
      headers: { 'If-Match': options.ifMatch },
      body: { message_id },
    };
    return this.sendTagged<api.ReplaceLeafResponse>('PUT', operation, options);
  }

  /** Iterates over the messages of all branches in order of arrival; `parent_id` tells what each one follows. */
  tree(id: string, query: MessagesQuery = {}, options?: CallOptions) {
    const getPage = (page: PageQuery) =>
      this.page(id, { ...page, tree: true }, options);
    return eachMessage(getPage, query, options?.signal);
  }
}
