import { gzipSync } from 'node:zlib';
import { beforeAll, describe, expect, it } from 'vitest';
import { A_UUID, createSession, errorBody } from '../support/api.js';
import { writes } from '../support/api-requests.js';
import { exchange } from '../support/exchange.js';
import { useTestApp } from '../support/test-app.js';

const api = useTestApp();

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
  ])('refuses the content type %s', async (contentType, body) => {
    const answer = await api.send(method, path, body, {
      'content-type': contentType,
      'x-request-id': 'mine',
    });
    expect(answer.status).toBe(415);
    expect(answer.body).toEqual(
      errorBody('Content-Type must be application/json'),
    );
    expect(answer.headers['x-request-id']).toBe('mine');
  });

  it.each(['', 'nonsense', 'application/', '/json'])(
    'refuses %j, which is no content type',
    async (contentType) => {
      const answer = await api.send(method, path, '{}', {
        'content-type': contentType,
      });
      expect(answer.status).toBe(415);
      expect(answer.body).toEqual(errorBody('Unsupported Media Type'));
    },
  );

  it('refuses a body without a content type', async () => {
    const { status, body } = await exchange(
      url,
      `${method} ${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}`,
    );
    expect(status).toBe('HTTP/1.1 415 Unsupported Media Type');
    expect(body).toEqual(errorBody('Content-Type must be application/json'));
  });

  it.each(['gzip', 'deflate', 'br', 'x-unknown'])(
    'refuses the content encoding %s',
    async (encoding) => {
      const answer = await api.app.inject({
        method,
        url: path,
        headers: {
          'content-type': 'application/json',
          'content-encoding': encoding,
        },
        payload: gzipSync('{}'),
      });
      expect(answer.statusCode).toBe(415);
      expect(answer.json()).toEqual(
        errorBody('Compressed request bodies are not accepted'),
      );
    },
  );

  it('refuses what is not UTF-8, and does not repair it', async () => {
    for (const bytes of [
      '{"a":"\xff"}',
      '{"a":"\xed\xa0\x80"}',
      '{"a":"\xc3"}',
    ]) {
      const answer = await api.app.inject({
        method,
        url: path,
        headers: { 'content-type': 'application/json' },
        payload: Buffer.from(bytes, 'latin1'),
      });
      expect(answer.statusCode).toBe(400);
      expect(answer.json()).toEqual(
        errorBody('Request body is not valid JSON'),
      );
    }
  });

  it('refuses a body that says it is too large, without reading it', async () => {
    const { status, body } = await exchange(
      url,
      `${method} ${path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: ${LIMIT + 1}\r\n\r\n`,
    );
    expect(status).toBe('HTTP/1.1 413 Payload Too Large');
    expect(body).toEqual(errorBody('Request body is too large'));
  });

  it('refuses a body in chunks once it is too large', async () => {
    const { status, body } = await exchange(
      url,
      `${method} ${path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n` +
        `${(LIMIT + 1).toString(16)}\r\n"${'x'.repeat(LIMIT - 1)}"\r\n0\r\n\r\n`,
    );
    expect(status).toBe('HTTP/1.1 413 Payload Too Large');
    expect(body).toEqual(errorBody('Request body is too large'));
  });
});

describe('a body of 4 MiB', () => {
  it('is taken', async () => {
    const start = '{"role":"user","parts":[{"type":"x","data":"';
    const end = '"}]}';
    const data = 'x'.repeat(LIMIT - start.length - end.length);
    const answer = await api.send(
      'POST',
      `${SESSION}/messages`,
      start + data + end,
    );
    expect(answer.status).toBe(201);
  });
});

describe('Content-Type and Content-Encoding', () => {
  it.each([
    ['content-type', 'application/json; charset=utf-8'],
    ['content-type', 'APPLICATION/JSON'],
    ['content-encoding', 'identity'],
  ])('may be %s: %s', async (name, value) => {
    const answer = await api.send('POST', '/api/chat-sessions', '{}', {
      [name]: value,
    });
    expect(answer.status).toBe(201);
  });
});

describe('X-Request-Id', () => {
  it.each(['a', '0', 'A-z_0.9', 'x'.repeat(128)])(
    'is answered as it came: %s',
    async (id) => {
      const answer = await api.send('GET', SESSION, undefined, {
        'x-request-id': id,
      });
      expect(answer.status).toBe(200);
      expect(answer.headers['x-request-id']).toBe(id);
    },
  );

  it.each([
    ['nothing', ''],
    ['a space', 'a b'],
    ['a comma', 'a,b'],
    ['a tab', 'a\tb'],
    ['HTML', '<script>'],
    ['a letter beyond ASCII', 'ä'],
    ['129 characters', 'x'.repeat(129)],
    ['5,000 characters', 'x'.repeat(5000)],
  ])('is replaced: %s', async (_, id) => {
    const answer = await api.send('GET', SESSION, undefined, {
      'x-request-id': id,
    });
    expect(answer.headers['x-request-id']).toEqual(A_UUID);
  });

  it('is another for each request that has none', async () => {
    const first = await api.send('GET', SESSION);
    const second = await api.send('GET', SESSION);
    expect(first.headers['x-request-id']).toEqual(A_UUID);
    expect(second.headers['x-request-id']).toEqual(A_UUID);
    expect(first.headers['x-request-id']).not.toBe(
      second.headers['x-request-id'],
    );
  });
});

describe('what the HTTP server answers itself', () => {
  it('refuses headers over 16 KiB', async () => {
    const { status, head, body } = await exchange(
      url,
      `GET ${SESSION} HTTP/1.1\r\nHost: x\r\nX-Long: ${'x'.repeat(17_000)}\r\n\r\n`,
    );
    expect(status).toBe('HTTP/1.1 431 Request Header Fields Too Large');
    expect(head).toContain('content-type: application/json; charset=utf-8');
    expect(head).toContain('connection: close');
    expect(body).toEqual(errorBody('Request Header Fields Too Large'));
  });

  it('refuses a URL over 16 KiB', async () => {
    const { status, body } = await exchange(
      url,
      `GET ${SESSION}?${'x'.repeat(17_000)} HTTP/1.1\r\nHost: x\r\n\r\n`,
    );
    expect(status).toBe('HTTP/1.1 431 Request Header Fields Too Large');
    expect(body).toEqual(errorBody('Request Header Fields Too Large'));
  });

  it.each([
    'nonsense\r\n\r\n',
    'GET / HTTP/1.1\r\nHost\r\n\r\n',
    `POST ${SESSION}/clear HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
    `POST ${SESSION}/clear HTTP/1.1\r\nHost: x\r\nContent-Length: x\r\n\r\n`,
  ])('refuses what is not HTTP: %j', async (request) => {
    const { status, head, body } = await exchange(url, request);
    expect(status).toBe('HTTP/1.1 400 Bad Request');
    expect(head).toContain('connection: close');
    expect(body).toEqual(errorBody('Bad Request'));
  });

  it.each([
    ['', '400 Bad Request', 'Host header is missing'],
    [
      'Host: x\r\nExpect: nonsense\r\n',
      '417 Expectation Failed',
      'Expectation Failed',
    ],
  ])('refuses these headers: %j', async (headers, expected, error) => {
    const { status, body } = await exchange(
      url,
      `GET ${SESSION} HTTP/1.1\r\n${headers}Connection: close\r\n\r\n`,
    );
    expect(status).toBe(`HTTP/1.1 ${expected}`);
    expect(body).toEqual(errorBody(error));
  });

  it.each([
    ['..', '400 Bad Request', 'Validation failed'],
    [
      '%zz',
      '400 Bad Request',
      "'/api/chat-sessions/%zz' is not a valid url component",
    ],
    ['../history', '404 Not Found', 'Cannot GET /api/chat-sessions/../history'],
  ])('takes no path for another: %s', async (path, expected, error) => {
    const { status, head, body } = await exchange(
      url,
      `GET /api/chat-sessions/${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nX-Request-Id: mine\r\n\r\n`,
    );
    expect(status).toBe(`HTTP/1.1 ${expected}`);
    expect(head).toContain('x-request-id: mine');
    expect(body).toMatchObject({ error });
  });
});
