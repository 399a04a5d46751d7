import type { MessagePage, Session } from './api.js';

/** Messages of a request. */
const BATCH = 100;

/** Creates and removes long sessions over HTTP. */
export class LongSessions {
  private readonly url: string;

  /** @param url of the service */
  constructor(url: string) {
    this.url = `${url}/api/chat-sessions`;
  }

  /** Resolves to the id of a new session with messages of this many characters. */
  async create(messages: number, characters: number): Promise<string> {
    const { chat_session } = (await this.post(this.url, {})) as {
      chat_session: Session;
    };
    for (let left = messages; left > 0; left -= BATCH) {
      await this.append(chat_session.id, Math.min(left, BATCH), characters);
    }
    return chat_session.id;
  }

  async append(id: string, messages: number, characters: number) {
    const content = 'x'.repeat(characters);
    await this.post(`${this.url}/${id}/messages`, {
      messages: Array.from({ length: messages }, () => ({
        role: 'user',
        content,
      })),
    });
  }

  async fork(id: string): Promise<Session> {
    const { chat_session } = (await this.post(
      `${this.url}/${id}/fork`,
      {},
    )) as {
      chat_session: Session;
    };
    return chat_session;
  }

  /** Resolves to the status. */
  async clear(id: string): Promise<number> {
    const clear = `${this.url}/${id}/clear`;
    return (await fetch(clear, { method: 'POST' })).status;
  }

  /** Resolves to the status. */
  async delete(id: string): Promise<number> {
    return (await fetch(`${this.url}/${id}`, { method: 'DELETE' })).status;
  }

  /** Deletes all messages but the first. Resolves to the status. */
  async deleteMessages(id: string): Promise<number> {
    const messages = `${this.url}/${id}/messages`;
    const page = await fetch(`${messages}?after=1&limit=1`);
    const [second] = ((await page.json()) as MessagePage).messages;
    const path = `${messages}/${second!.id}?following=true`;
    return (await fetch(path, { method: 'DELETE' })).status;
  }

  private async post(url: string, body: object): Promise<unknown> {
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    if (response.status !== 201) throw new Error(await response.text());
    return response.json();
  }
}
