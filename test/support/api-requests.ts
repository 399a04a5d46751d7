import type { Method } from './test-app.js';

/** All requests write this text. Tests check that it is not in the log. */
export const SECRET = 'Nobody may read this in a log';

export interface ApiRequest {
  /** `GET /api/chat-sessions/:session_id`, as in TestApp's `routes`. */
  route: string;
  method: Method;
  path: string;
  body: object | undefined;
  /** The route's text of a 500. */
  failure: string;
}

const SESSION = '/api/chat-sessions/:session_id';
const SECTION = '/api/documents/:document_id/sections/:section_id';

const RUN = `${SESSION}/runs/:run_id`;
const START = {
  id: 'run_01',
  messages: [{ role: 'user', content: SECRET }],
};
const FIRST = { fence: 1, offset: 0 };

const ROUTES: [Method, string, string, object?][] = [
  ['GET', SESSION, 'Failed to get chat session'],
  ['GET', '/api/chat-sessions', 'Failed to list chat sessions'],
  ['GET', `${SESSION}/messages`, 'Failed to get messages'],
  ['GET', `${SESSION}/messages/:message_id`, 'Failed to get message'],
  ['GET', '/api/history', 'Failed to get chat history'],
  ['GET', '/api/session/history', 'Failed to get chat history'],
  [
    'POST',
    '/api/chat-sessions',
    'Failed to create chat session',
    { messages: [{ role: 'user', content: SECRET }] },
  ],
  ['POST', `${SECTION}/chat-session`, 'Failed to create chat session'],
  [
    'POST',
    `${SESSION}/messages`,
    'Failed to append messages',
    { role: 'user', content: SECRET },
  ],
  [
    'PATCH',
    `${SESSION}/messages/:message_id`,
    'Failed to update message',
    { content: SECRET },
  ],
  [
    'POST',
    `${SESSION}/messages/replace`,
    'Failed to replace messages',
    { after_id: null, messages: [{ role: 'user', content: SECRET }] },
  ],
  [
    'PUT',
    `${SESSION}/leaf`,
    'Failed to show the branch',
    { message_id: 'of the caller' },
  ],
  ['POST', `${SESSION}/runs`, 'Failed to start run', START],
  ['GET', RUN, 'Failed to get run'],
  [
    'POST',
    `${RUN}/output`,
    'Failed to write output',
    { ...FIRST, text: SECRET },
  ],
  [
    'POST',
    `${RUN}/pause`,
    'Failed to pause run',
    { fence: 1, interrupts: [{ id: 'pay', secret: SECRET }] },
  ],
  [
    'POST',
    `${RUN}/interrupts/:interrupt_id`,
    'Failed to answer interrupt',
    { answer: { secret: SECRET } },
  ],
  ['POST', `${RUN}/resume`, 'Failed to resume run', {}],
  [
    'POST',
    `${RUN}/finish`,
    'Failed to finish run',
    { fence: 2, status: 'completed', content: SECRET, usage: {} },
  ],
  ['POST', `${RUN}/cancel`, 'Failed to stop run'],
  ['GET', '/api/usage', 'Failed to get usage'],
  ['POST', `${SESSION}/fork`, 'Failed to fork chat session', {}],
  ['DELETE', `${SESSION}/messages/:message_id`, 'Failed to delete message'],
  ['PATCH', SESSION, 'Failed to update chat session', { title: SECRET }],
  [
    'PUT',
    `${SESSION}/config`,
    'Failed to update chat configuration',
    { config: { secret: SECRET } },
  ],
  ['POST', `${SESSION}/clear`, 'Failed to clear chat session'],
  ['DELETE', SESSION, 'Failed to delete chat session'],
];

/** Method and path of each route that writes. These routes read a body. */
export function writes(sessionId: string): [Method, string][] {
  return apiRequests(sessionId, 'msg_01')
    .filter(({ method }) => method !== 'GET')
    .map(({ method, path }) => [method, path]);
}

/** A request to each route that uses the store. The last two clear and delete the session. */
export function apiRequests(
  sessionId: string,
  messageId: string,
): ApiRequest[] {
  const values: Partial<Record<string, string>> = {
    session_id: sessionId,
    message_id: messageId,
    document_id: 'doc-42',
    section_id: 'sec-7',
    run_id: 'run_01',
    interrupt_id: 'pay',
  };
  return ROUTES.map(([method, pattern, failure, body]) => ({
    route: `${method} ${pattern}`,
    method,
    path: pattern.replace(/:(\w+)/g, (_, name: string) => values[name] ?? ''),
    body: body && 'message_id' in body ? { message_id: messageId } : body,
    failure,
  }));
}
