import type { Message, Session } from './api.js';
import type { TestApp, TestResponse } from './test-app.js';

type SessionResponse = TestResponse<{ chat_session: Session }>;
type MessagesResponse = TestResponse<{ messages: Message[] }>;
type MessageResponse = TestResponse<{ message: Message }>;
type Headers = Record<string, string>;

/** Requests that change the tree of a session. */
export class Branches {
  private readonly path: string;

  constructor(
    private readonly api: TestApp,
    sessionId: string,
  ) {
    this.path = `/api/chat-sessions/${sessionId}`;
  }

  /** Appends messages with these ids, each the content of the other. */
  append(
    ids: string[],
    parent_id?: string | null,
    headers?: Headers,
  ): Promise<MessagesResponse> {
    const body = { parent_id, messages: messagesOf(ids) };
    return this.api.send('POST', `${this.path}/messages`, body, headers);
  }

  replace(
    after_id: string | null,
    ids: string[],
    keep?: boolean,
    headers?: Headers,
  ): Promise<MessagesResponse> {
    const path = `${this.path}/messages/replace`;
    const body = { after_id, messages: messagesOf(ids), keep };
    return this.api.send('POST', path, body, headers);
  }

  edit(
    id: string,
    changes: object,
    headers?: Headers,
  ): Promise<MessageResponse> {
    const path = `${this.path}/messages/${id}`;
    return this.api.send('PATCH', path, changes, headers);
  }

  delete(id: string, query = '', headers?: Headers): Promise<TestResponse> {
    const path = `${this.path}/messages/${id}${query}`;
    return this.api.send('DELETE', path, undefined, headers);
  }

  goTo(message_id: string, headers?: Headers): Promise<SessionResponse> {
    return this.api.send('PUT', `${this.path}/leaf`, { message_id }, headers);
  }

  /** The ids of a page of 200 messages; of the path by default. */
  async ids(query = ''): Promise<string[]> {
    const path = `${this.path}/messages?limit=200&${query}`;
    const { body, status, text } = await this.api.send<{
      messages: Message[];
    }>('GET', path);
    if (status !== 200) throw new Error(text);
    return body.messages.map(({ id }) => id);
  }
}

/** Messages whose content is their id. */
export function messagesOf(ids: string[]) {
  return ids.map((id) => ({ id, role: 'user', content: id }));
}
