import { expect } from 'vitest';
import { type Exchange, MESSAGES, SESSION } from './exchange.js';

const NOT_JSON: unknown = {
  error: expect.stringMatching(/./),
  code: 'bad_request',
};

function invalid(...details: string[]) {
  return { error: 'Validation failed', code: 'validation_failed', details };
}

/** Invalid requests on an existing session, and the limits of valid ones. None changes the session. */
export const REFUSALS: Exchange[] = [
  ...['include[]=a&include[]=b', 'include%5B%5D=a'].map((query) => ({
    name: 'with a list in its query',
    method: 'GET' as const,
    path: `${SESSION}?${query}`,
    status: 400,
    responseBody: invalid('include[] is not a known field'),
    onExpress4: invalid('include is not a known field'),
  })),
  {
    name: 'with a list in its query',
    method: 'GET',
    path: `${SESSION}?messages[]=1`,
    status: 400,
    responseBody: invalid('messages[] is not a known field'),
    onExpress4: invalid('messages must be an integer number'),
  },
  {
    name: 'with two limits',
    method: 'GET',
    path: '/chat-sessions?limit=1&limit=2',
    status: 400,
    responseBody: invalid('limit must be an integer number'),
  },
  {
    name: 'with a malformed id',
    method: 'GET',
    path: '/chat-sessions/1',
    status: 400,
    responseBody: invalid('session_id must be a UUID'),
  },
  {
    name: 'with a malformed id in the path',
    method: 'POST',
    path: '/documents/%20/sections/sec-7/chat-session',
    status: 400,
    responseBody: invalid(
      'document_id must be 1 to 191 characters, without control characters and without white space at either end',
    ),
  },
  {
    name: 'with an id of 191 characters',
    method: 'POST',
    path: `/documents/${encodeURIComponent('語'.repeat(191))}/sections/s/chat-session`,
    owner: 'carol',
    status: 201,
  },
  {
    name: 'with unknown fields',
    method: 'POST',
    path: MESSAGES,
    body: { role: 'user', content: 'Hello', owner_id: 'bob', seq: 9 },
    status: 400,
    responseBody: invalid(
      'owner_id is not a known field',
      'seq is not a known field',
    ),
  },
  {
    name: 'with an empty message',
    method: 'POST',
    path: MESSAGES,
    body: { role: 'user', content: ' ' },
    status: 400,
    responseBody: { error: 'Message cannot be empty', code: 'message_empty' },
  },
  {
    name: 'without a body',
    method: 'PUT',
    path: `${SESSION}/config`,
    status: 400,
    responseBody: {
      error: 'Request body must be a JSON object',
      code: 'bad_request',
    },
    onExpress4: invalid('config must be an object'),
  },
  {
    name: 'with a form',
    method: 'POST',
    path: '/chat-sessions',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: 'title=Mine',
    status: 415,
    responseBody: {
      error: 'Content-Type must be application/json',
      code: 'unsupported_media_type',
    },
  },
  {
    name: 'with invalid JSON',
    method: 'PUT',
    path: `${SESSION}/config`,
    body: '{"config": {',
    status: 400,
    responseBody: NOT_JSON,
  },
  {
    name: 'with a key __proto__',
    method: 'PUT',
    path: `${SESSION}/config`,
    body: '{"config": {"__proto__": {"polluted": true}}}',
    status: 400,
    responseBody: NOT_JSON,
  },
  ...[1_000, 100_000].map((levels) => ({
    name: `with JSON that is nested ${levels} deep`,
    method: 'PUT' as const,
    path: `${SESSION}/config`,
    body: `{"config": {"a": ${'['.repeat(levels)}${']'.repeat(levels)}}}`,
    status: 400,
    responseBody: {
      error: 'JSON must not be nested more than 64 levels deep',
      code: 'bad_request',
    },
  })),
  {
    name: 'with deep JSON and a key, although the route needs no body',
    method: 'POST',
    path: `${SESSION}/clear`,
    headers: { 'idempotency-key': 'deep' },
    body: `${'['.repeat(100_000)}${']'.repeat(100_000)}`,
    status: 400,
    responseBody: {
      error: 'JSON must not be nested more than 64 levels deep',
      code: 'bad_request',
    },
  },
  ...['"\\ud83d"', '"\\u0000"', '1e999'].map((value) => ({
    name: `with ${value}, which cannot be stored unchanged`,
    method: 'PUT' as const,
    path: `${SESSION}/config`,
    body: `{"config": {"a": ${value}}}`,
    status: 400,
    responseBody: {
      error: 'JSON must not hold NUL, lone surrogates or infinite numbers',
      code: 'bad_request',
    },
  })),
  {
    name: 'with a text of the maximum size',
    method: 'POST',
    path: '/chat-sessions',
    owner: 'carol',
    body: { messages: [{ role: 'user', content: '😀'.repeat(2 ** 18) }] },
    status: 201,
  },
  {
    name: 'with a larger text',
    method: 'POST',
    path: '/chat-sessions',
    body: { messages: [{ role: 'user', content: 'x'.repeat(2 ** 20 + 1) }] },
    status: 400,
    responseBody: invalid(
      'messages.0.content must be at most 1048576 bytes long',
    ),
  },
  {
    name: 'with a body over the limit',
    method: 'POST',
    path: MESSAGES,
    body: { role: 'user', content: 'x'.repeat(16 * 2 ** 20) },
    status: 413,
    responseBody: {
      error: 'Request body is too large',
      code: 'payload_too_large',
    },
  },
];
