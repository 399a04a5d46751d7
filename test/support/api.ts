import type { ChatMessageDto } from '../../src/chat-sessions/dto/chat-message.dto.js';
import type { ChatSessionDto } from '../../src/chat-sessions/dto/chat-session.dto.js';
import type { Answer, TestApp } from './test-app.js';

/** A type as it arrives in JSON. */
export type Json<T> = {
  [Key in keyof T]: T[Key] extends Date
    ? string
    : T[Key] extends Date | null
      ? string | null
      : T[Key] extends ChatMessageDto[]
        ? Json<ChatMessageDto>[]
        : T[Key];
};
export type Session = Json<ChatSessionDto>;
export type Message = Json<ChatMessageDto>;

/** A new session with this many messages, `message 1` and so on. */
export async function createSession(
  api: TestApp,
  fields: object = {},
  messageCount = 0,
): Promise<Session> {
  const answer = await api.send<{ chat_session: Session }>(
    'POST',
    '/api/chat-sessions',
    { ...fields, messages: userMessages(Math.min(messageCount, 100)) },
  );
  if (answer.status !== 201) throw new Error(answer.text);
  const session = answer.body.chat_session;
  for (let seq = 101; seq <= messageCount; seq += 100) {
    const count = Math.min(100, messageCount - seq + 1);
    await append(api, session.id, { messages: userMessages(count, seq) });
  }
  return session;
}

export function userMessages(count: number, first = 1) {
  return Array.from({ length: count }, (_, index) => ({
    role: 'user',
    content: `message ${first + index}`,
  }));
}

export function append(
  api: TestApp,
  sessionId: string,
  body: object,
  headers?: Record<string, string>,
): Promise<Answer<{ message: Message; messages: Message[] }>> {
  return api.send(
    'POST',
    `/api/chat-sessions/${sessionId}/messages`,
    body,
    headers,
  );
}

export async function getSession(
  api: TestApp,
  sessionId: string,
): Promise<Session> {
  const answer = await api.send<{ chat_session: Session }>(
    'GET',
    `/api/chat-sessions/${sessionId}`,
  );
  if (answer.status !== 200) throw new Error(answer.text);
  return answer.body.chat_session;
}
