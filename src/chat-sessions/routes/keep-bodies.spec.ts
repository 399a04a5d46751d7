import { expect, it } from 'vitest';
import { isStored } from './keep-bodies.js';

const JSON_BODY = { 'content-type': 'application/json; charset=utf-8' };

it.each([
  ['POST', '/api/chat-sessions'],
  ['POST', '/chat-sessions/?x=1'],
  ['PATCH', '/v1/api/chat-sessions/id'],
  ['PUT', '/api/chat-sessions/id/config'],
  ['POST', '/api/Chat-Sessions/id/messages/'],
])('keeps the body of %s %s', (method, url) => {
  expect(isStored({ method, url, headers: JSON_BODY })).toBe(true);
});

it.each([
  ['GET', '/api/chat-sessions', JSON_BODY],
  ['POST', '/uploads?next=/chat-sessions', JSON_BODY],
  ['POST', '/chat-sessions/id/files/a', JSON_BODY],
  ['POST', '/my-chat-sessions', JSON_BODY],
  ['POST', '/chat-sessions', { 'content-type': 'multipart/form-data' }],
  ['POST', '/chat-sessions', { ...JSON_BODY, 'content-encoding': 'gzip' }],
])('keeps no body of %s %s with %j', (method, url, headers) => {
  expect(isStored({ method, url, headers })).toBe(false);
});
