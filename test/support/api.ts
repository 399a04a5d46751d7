import { setImmediate as nextTurn } from 'node:timers/promises';
import { expect } from 'vitest';
import type {
  ChatMessageDto,
  ChatMessagePage,
} from '../../src/chat-sessions/messages/dto/chat-message.dto.js';
import type {
  ChatSessionDto,
  ChatSessionListBody,
} from '../../src/chat-sessions/sessions/dto/chat-session.dto.js';
import type { TestApp, TestResponse } from './test-app.js';

/** The fields of a class, as JSON has them. */
type Parsed<T> = Pick<T, keyof T>;
export type Session = Parsed<ChatSessionDto>;
export type SessionList = Parsed<ChatSessionListBody>;
export type Message = Parsed<ChatMessageDto>;
export type MessagePage = Parsed<ChatMessagePage>;

/** Matches a time in a response. */
export const A_TIME: unknown = expect.stringMatching(
  /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/,
);

/** Matches a UUID of any version, such as the id of a request. */
export const A_UUID: unknown = expect.stringMatching(
  /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/,
);

/** Matches an id that the service gave to a session or message. */
export const A_UUID_V7: unknown = expect.stringMatching(
  /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/,
);

const A_CODE: unknown = expect.stringMatching(/^[a-z]+(_[a-z]+)*$/);

/** A well-formed id that no session has. */
export const NOBODYS_ID = '019ae1c4-7d5e-7c3a-9f10-3b1f6f0c2a55';

/** A family of four in one grapheme: seven code points, eleven UTF-16 units. */
export const FAMILY = '\u{1f468}\u200d\u{1f469}\u200d\u{1f467}\u200d\u{1f466}';

/** Sends a create, and leaves the status to the test. */
export function sendCreate(
  api: TestApp,
  body: object,
): Promise<TestResponse<{ chat_session: Session }>> {
  return api.send('POST', '/api/chat-sessions', body);
}

/** Sends a fork, and leaves the status to the test. */
export function sendFork(
  api: TestApp,
  sessionId: string,
  body: object = {},
  headers?: Record<string, string>,
): Promise<TestResponse<{ chat_session: Session }>> {
  const path = `/api/chat-sessions/${sessionId}/fork`;
  return api.send('POST', path, body, headers);
}

/** The body of an error response. With `toEqual`, any other field is a failure. */
export function errorBody(error: string, code?: string): object {
  return { error, code: code ?? A_CODE };
}

/** The body of a 400 of validation, with one line for each problem. */
export function validationErrors(...details: string[]): object {
  return { ...errorBody('Validation failed', 'validation_failed'), details };
}

/** The oldest routes. Their clients match the 404 and the 500 to the byte: the text alone. */
const ROUTES_WITH_FIXED_FAILURES = new Set([
  'GET /api/chat-sessions/:session_id',
  'POST /api/documents/:document_id/sections/:section_id/chat-session',
  'POST /api/chat-sessions/:session_id/clear',
  'PUT /api/chat-sessions/:session_id/config',
  'GET /api/session/history',
  'GET /api/history',
]);

/** Whether a route responds with its own 500 while the store is unreachable. */
export function hasFixedFailures(route: string): boolean {
  return ROUTES_WITH_FIXED_FAILURES.has(route);
}

/** The body of a 404 or 500 of a route, which is named as in TestApp's `routes`. */
export function failureBody(route: string, error: string): object {
  return hasFixedFailures(route) ? { error } : errorBody(error);
}

/** Creates a session with this many messages: `message 1`, `message 2` ... */
export async function createSession(
  api: TestApp,
  fields: object = {},
  messageCount = 0,
): Promise<Session> {
  const response = await api.send<{ chat_session: Session }>(
    'POST',
    '/api/chat-sessions',
    { ...fields, messages: userMessages(Math.min(messageCount, 100)) },
  );
  if (response.status !== 201) throw new Error(response.text);
  const session = response.body.chat_session;
  for (let seq = 101; seq <= messageCount; seq += 100) {
    const count = Math.min(100, messageCount - seq + 1);
    await append(api, session.id, { messages: userMessages(count, seq) });
  }
  return session;
}

export function userMessages(count: number, first = 1) {
  return Array.from({ length: count }, (_, index) => ({
    role: 'user' as const,
    content: `message ${first + index}`,
  }));
}

export function append(
  api: TestApp,
  sessionId: string,
  body: object,
  headers?: Record<string, string>,
): Promise<TestResponse<{ message: Message; messages: Message[] }>> {
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
  const response = await api.send<{ chat_session: Session }>(
    'GET',
    `/api/chat-sessions/${sessionId}`,
  );
  if (response.status !== 200) throw new Error(response.text);
  return response.body.chat_session;
}

/** A page of messages. The query is as in a URL: `limit=10&before=3`. */
export async function getPage(
  api: TestApp,
  sessionId: string,
  query = '',
): Promise<MessagePage> {
  const response = await api.send<MessagePage>(
    'GET',
    `/api/chat-sessions/${sessionId}/messages?${query}`,
  );
  if (response.status !== 200) throw new Error(response.text);
  return response.body;
}

/** A page of sessions. The query is as in a URL: `limit=10&pinned=true`. */
export async function listSessions(
  api: TestApp,
  query = '',
): Promise<SessionList> {
  const response = await api.send<SessionList>(
    'GET',
    `/api/chat-sessions?${query}`,
  );
  if (response.status !== 200) throw new Error(response.text);
  return response.body;
}

/** The whole numbers from `from` to `to`, both included. */
export function numbers(from: number, to: number): number[] {
  return Array.from({ length: to - from + 1 }, (_, index) => from + index);
}

/** Resolves in a later millisecond: what is written next has a later time. */
export async function nextMillisecond(): Promise<void> {
  const now = Date.now();
  while (Date.now() <= now) await nextTurn();
}
