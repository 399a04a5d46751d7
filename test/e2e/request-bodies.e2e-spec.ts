import { gzipSync } from 'node:zlib';
import { beforeAll, describe, expect, it } from 'vitest';
import { writes } from '../support/api-requests.js';
import { createSession, errorBody } from '../support/api.js';
import { exchange } from '../support/exchange.js';
import { useTestApp } from '../support/test-app.js';

const api = useTestApp({ environment: { BODY_LIMIT: '4194304' } });

const ID = '01938f5e-0000-7000-8000-000000000001';
const SESSION = `/api/chat-sessions/${ID}`;
const LIMIT = 4 * 1024 * 1024;

let url: URL;

beforeAll(async () => {
  url = new URL(await api.listen());
  await createSession(api, { id: ID });
});

describe.each(writes(ID))('%s %s', (method, path) => {
  it.each([
    ['text/plain', '{}'],
    ['application/x-www-form-urlencoded', 'title=x'],
    ['multipart/form-data; boundary=x', '--x--\r\n'],
    ['application/xml', '<title/>'],
    ['application/json+x', '{}'],
  ])('answers 415 to the content type %s', async (contentType, body) => {
    const response = await api.send(method, path, body, {
      'content-type': contentType,
      'x-request-id': 'mine',
    });
    expect(response.status).toBe(415);
    expect(response.body).toEqual(
      errorBody('Content-Type must be application/json'),
    );
    expect(response.headers['x-request-id']).toBe('mine');
  });

  it.each(['', 'nonsense', 'application/', '/json'])(
    'answers 415 to the malformed content type %j',
    async (contentType) => {
      const response = await api.send(method, path, '{}', {
        'content-type': contentType,
      });
      expect(response.status).toBe(415);
      expect(response.body).toEqual(errorBody('Unsupported Media Type'));
    },
  );

  it('answers 415 to a body without a content type', async () => {
    const { status, body } = await exchange(
      url,
      `${method} ${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}`,
    );
    expect(status).toBe('HTTP/1.1 415 Unsupported Media Type');
    expect(body).toEqual(errorBody('Content-Type must be application/json'));
  });

  it.each(['gzip', 'deflate', 'br', 'x-unknown'])(
    'answers 415 to the content encoding %s',
    async (encoding) => {
      const response = await api.app.inject({
        method,
        url: path,
        headers: {
          'content-type': 'application/json',
          'content-encoding': encoding,
        },
        payload: gzipSync('{}'),
      });
      expect(response.statusCode).toBe(415);
      expect(response.json()).toEqual(
        errorBody('Compressed request bodies are not accepted'),
      );
    },
  );

  it('answers 400 to bytes that are not UTF-8', async () => {
    for (const bytes of [
      '{"a":"\xff"}',
      '{"a":"\xed\xa0\x80"}',
      '{"a":"\xc3"}',
    ]) {
      const response = await api.app.inject({
        method,
        url: path,
        headers: { 'content-type': 'application/json' },
        payload: Buffer.from(bytes, 'latin1'),
      });
      expect(response.statusCode).toBe(400);
      expect(response.json()).toEqual(
        errorBody('Request body is not valid JSON'),
      );
    }
  });

  const chunk = (size: number) =>
    `${size.toString(16)}\r\n${'x'.repeat(size)}\r\n`;
  it.each([
    // The server answers without waiting for the body.
    ['by its Content-Length', `Content-Length: ${LIMIT + 1}\r\n\r\n`],
    [
      'in one chunk',
      `Transfer-Encoding: chunked\r\n\r\n${chunk(LIMIT + 1)}0\r\n\r\n`,
    ],
    [
      'in many chunks',
      `Transfer-Encoding: chunked\r\n\r\n${chunk(0x10000).repeat(65)}`,
    ],
  ])('answers 413 to a body that is too large %s', async (_, rest) => {
    const { status, head, body } = await exchange(
      url,
      `${method} ${path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n${rest}`,
    );
    expect(status).toBe('HTTP/1.1 413 Payload Too Large');
    expect(body).toEqual(errorBody('Request body is too large'));
    expect(head).toContain('connection: close');
  });
});

describe('a body of 4 MiB', () => {
  it('is accepted', async () => {
    const start = '{"role":"user","parts":[{"type":"x","data":"';
    const end = '"}]}';
    const data = 'x'.repeat(LIMIT - start.length - end.length);
    const response = await api.send(
      'POST',
      `${SESSION}/messages`,
      start + data + end,
    );
    expect(response.status).toBe(201);
  });
});

describe('a JSON body', () => {
  it.each([
    ['content-type', 'application/json; charset=utf-8'],
    ['content-type', 'APPLICATION/JSON'],
    ['content-encoding', 'identity'],
  ])('may have the %s %s', async (name, value) => {
    const headers = { [name]: value };
    const response = await api.send(
      'POST',
      '/api/chat-sessions',
      '{}',
      headers,
    );
    expect(response.status).toBe(201);
  });
});
