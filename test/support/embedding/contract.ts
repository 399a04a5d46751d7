import { expect } from 'vitest';
import { A_TIME, A_UUID_V7 } from '../api.js';
import { type Exchange, ID, MESSAGES, SESSION } from './exchange.js';
import { REFUSALS } from './refusals.js';

const SECTION = '/documents/doc-42/sections/sec-7/chat-session';
const EMOJI = 'Which section covers refunds? 🧾👩‍👩‍👧 é 語';
const ETAG: unknown = expect.stringMatching(/^"\d+-\d+-[0-9a-f]{12}"$/);

const NOT_FOUND = { error: 'Chat session not found' };

function message(seq: number, content: string, more: object = {}) {
  return {
    id: `m${seq}`,
    seq,
    parent_id: seq === 1 ? null : `m${seq - 1}`,
    role: 'user',
    content,
    parts: null,
    references: [],
    metadata: {},
    timestamp: A_TIME,
    edited_at: null,
    ...more,
  };
}

const EMPTY_SESSION = {
  id: A_UUID_V7,
  title: null,
  document_id: 'doc-42',
  section_id: 'sec-7',
  messages: [],
  context_documents: [],
  references: [],
  config: {},
  metadata: {},
  pinned: false,
  archived: false,
  message_count: 0,
  last_message_at: null,
  version: 1,
  created_at: A_TIME,
  updated_at: A_TIME,
};

const CREATED = {
  ...EMPTY_SESSION,
  id: ID,
  title: EMOJI,
  document_id: null,
  section_id: null,
  messages: [message(1, EMOJI)],
  // class-transformer fails on the key `constructor`.
  metadata: { constructor: 'x', nested: [{ a: null }] },
  message_count: 1,
  last_message_at: A_TIME,
};

const SEVERAL = {
  messages: [
    {
      id: 'm2',
      role: 'assistant',
      content: 'Section 7.',
      references: [{ section: 'sec-7' }],
    },
    { id: 'm3', role: 'user', content: 'And exchanges?' },
  ],
};
const APPENDED = {
  messages: [
    message(2, 'Section 7.', {
      role: 'assistant',
      references: [{ section: 'sec-7' }],
    }),
    message(3, 'And exchanges?'),
  ],
};

/** Routes that existing clients depend on. */
const FIXED: Pick<Exchange, 'method' | 'path' | 'body'>[] = [
  { method: 'GET', path: SESSION },
  { method: 'POST', path: SECTION },
  { method: 'POST', path: `${SESSION}/clear` },
  { method: 'PUT', path: `${SESSION}/config`, body: { config: {} } },
  { method: 'GET', path: '/session/history' },
  { method: 'GET', path: '/history' },
];

/** The routes above that address one session. */
const OF_SESSION = FIXED.filter(({ path }) => path.startsWith(SESSION));

/** Exchanges that build on each other. The store is empty at first. */
export const CONTRACT: Exchange[] = [
  ...FIXED.map((request) => ({
    ...request,
    name: 'without an owner',
    owner: null,
    status: 401,
    responseBody: { error: 'No identity', code: 'unauthorized' },
  })),
  ...OF_SESSION.map((request) => ({
    ...request,
    name: 'of a missing session',
    status: 404,
    responseBody: NOT_FOUND,
  })),
  ...['/session/history', '/history'].map((path) => ({
    name: 'without a session',
    method: 'GET' as const,
    path,
    status: 200,
    responseBody: { messages: [] },
  })),
  {
    name: 'creates the session of a section',
    method: 'POST',
    path: SECTION,
    status: 201,
    responseBody: {
      chat_session: EMPTY_SESSION,
      message: 'Chat session created successfully',
    },
    responseHeaders: { etag: ETAG },
  },
  {
    name: 'gets the session of a section',
    method: 'POST',
    path: SECTION,
    status: 200,
    responseBody: { chat_session: EMPTY_SESSION },
  },
  {
    name: 'creates a session with a message',
    method: 'POST',
    path: '/chat-sessions',
    body: {
      id: ID.toUpperCase(),
      metadata: CREATED.metadata,
      messages: [{ id: 'm1', role: 'user', content: EMOJI }],
    },
    status: 201,
    responseBody: { chat_session: CREATED },
  },
  {
    name: 'gets what was created',
    method: 'GET',
    path: SESSION,
    status: 200,
    responseBody: { chat_session: CREATED },
    responseHeaders: { etag: ETAG, 'cache-control': 'private, no-cache' },
  },
  {
    name: 'gets it a second time',
    method: 'GET',
    path: `${SESSION}?messages=1`,
    status: 200,
    responseBody: { chat_session: CREATED },
    responseHeaders: { 'content-type': 'application/json; charset=utf-8' },
  },
  {
    name: 'if the client has the current version',
    method: 'GET',
    path: SESSION,
    headers: { 'if-none-match': '*' },
    status: 304,
    responseHeaders: { etag: ETAG },
  },
  ...OF_SESSION.map((request) => ({
    ...request,
    name: "of another owner's session",
    owner: 'bob',
    status: 404,
    responseBody: NOT_FOUND,
  })),
  {
    name: 'appends with a key',
    method: 'POST',
    path: MESSAGES,
    headers: { 'idempotency-key': 'first' },
    body: SEVERAL,
    status: 201,
    responseBody: APPENDED,
    responseHeaders: { etag: ETAG },
  },
  {
    name: 'appends the same messages with the same key',
    method: 'POST',
    path: MESSAGES,
    headers: { 'idempotency-key': 'first' },
    body: SEVERAL,
    status: 201,
    responseBody: APPENDED,
    responseHeaders: { 'idempotent-replayed': 'true' },
  },
  {
    name: 'refuses another message with the same key',
    method: 'POST',
    path: MESSAGES,
    headers: { 'idempotency-key': 'first' },
    body: { role: 'user', content: 'Something else' },
    status: 422,
    responseBody: {
      error: 'Idempotency-Key was used for another request',
      code: 'key_reused',
    },
  },
  {
    name: 'appends a message a second time',
    method: 'POST',
    path: MESSAGES,
    body: { id: 'm3', role: 'user', content: 'And exchanges?' },
    status: 200,
    responseBody: { message: APPENDED.messages[1] },
  },
  {
    name: 'gets a page in the middle',
    method: 'GET',
    path: `${MESSAGES}?limit=1&before=3`,
    status: 200,
    responseBody: {
      messages: [APPENDED.messages[0]],
      has_before: true,
      has_after: true,
    },
  },
  {
    name: 'gets the latest messages',
    method: 'GET',
    path: '/history',
    status: 200,
    responseBody: { messages: [message(1, EMOJI), ...APPENDED.messages] },
  },
  {
    name: 'ignores a query',
    method: 'GET',
    path: '/history?include[]=messages',
    status: 200,
    responseBody: { messages: [message(1, EMOJI), ...APPENDED.messages] },
  },
  ...REFUSALS,
  {
    name: 'replaces the configuration',
    method: 'PUT',
    path: `${SESSION}/config`,
    body: { config: { model: 'large', constructor: {} } },
    status: 200,
    responseBody: { message: 'Chat configuration updated successfully' },
  },
  {
    name: 'refuses an If-Match with an old version',
    method: 'PATCH',
    path: SESSION,
    headers: { 'if-match': '"1-1"' },
    body: { title: 'Refunds' },
    status: 412,
    responseBody: {
      error: 'Chat session has changed since the version of If-Match',
      code: 'version_moved',
    },
  },
  {
    name: 'changes a message',
    method: 'PATCH',
    path: `${MESSAGES}/m3`,
    body: { content: 'And returns?' },
    status: 200,
    responseBody: {
      message: message(3, 'And returns?', { edited_at: A_TIME }),
    },
  },
  {
    name: 'refuses another field of a message',
    method: 'PATCH',
    path: `${MESSAGES}/m3`,
    body: { role: 'tool' },
    status: 400,
    responseBody: {
      error: 'Validation failed',
      code: 'validation_failed',
      details: ['role is not a known field'],
    },
  },
  {
    name: 'replaces what follows a message',
    method: 'POST',
    path: `${MESSAGES}/replace`,
    body: {
      after_id: 'm2',
      messages: [{ id: 'm4', role: 'user', content: 'And repairs?' }],
    },
    status: 201,
    responseBody: {
      messages: [
        message(4, 'And repairs?', { parent_id: 'm2', siblings: [3, 4] }),
      ],
    },
  },
  {
    name: 'shows another branch',
    method: 'PUT',
    path: `${SESSION}/leaf`,
    body: { message_id: 'm3' },
    status: 200,
    responseBody: {
      chat_session: expect.objectContaining({ message_count: 4 }) as object,
    },
  },
  {
    name: 'forks a session',
    method: 'POST',
    path: `${SESSION}/fork`,
    body: { message_id: 'm1' },
    status: 201,
    responseBody: {
      chat_session: expect.objectContaining({ message_count: 1 }) as object,
    },
  },
  {
    name: 'deletes a message',
    method: 'DELETE',
    path: `${MESSAGES}/m4`,
    status: 204,
  },
  {
    name: 'clears a session',
    method: 'POST',
    path: `${SESSION}/clear`,
    status: 200,
    responseBody: { message: 'Chat history cleared successfully' },
  },
  {
    name: 'gets a cleared session',
    method: 'GET',
    path: SESSION,
    status: 200,
    responseBody: {
      chat_session: {
        ...CREATED,
        messages: [],
        config: { model: 'large', constructor: {} },
        message_count: 0,
        last_message_at: null,
        version: 8,
      },
    },
  },
  {
    name: 'deletes a session',
    method: 'DELETE',
    path: SESSION,
    status: 204,
  },
  {
    name: 'without a route',
    method: 'GET',
    path: '/nowhere',
    status: 404,
    responseBody: {
      error: expect.stringMatching(/./) as string,
      code: 'not_found',
    },
  },
];
