import type { Server } from 'node:http';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import {
  createSession,
  errorBody,
  getSession,
  validationErrors,
} from '../support/api.js';
import { exchange } from '../support/exchange.js';
import { asOwner } from '../support/owners.js';
import { type Method, useTestApp } from '../support/test-app.js';
import { as, JWT_MODE } from '../support/tokens.js';

// Requests as bytes on a socket. The HTTP server answers most of these itself.

const api = useTestApp({ environment: JWT_MODE });
const alice = asOwner(api, 'alice');

const ID = '01938f5e-0000-7000-8000-000000000001';
const SESSION = `/api/chat-sessions/${ID}`;
const JSON_TYPE = 'Content-Type: application/json\r\n';

let url: URL;
/** The start of a valid request. */
let headOf: (method: Method, path: string) => string;

beforeAll(async () => {
  url = new URL(await api.listen());
  const { authorization } = await as('alice');
  headOf = (method, path) =>
    `${method} ${path} HTTP/1.1\r\nHost: x\r\nAuthorization: ${authorization}\r\n`;
  await createSession(alice, { id: ID });
});

describe('431', () => {
  const TEXT = 'Request Header Fields Too Large';

  it.each([
    ['a header over 16 KiB', `X-Long: ${'x'.repeat(16 * 1024)}\r\n`],
    ['many headers', `X-Many: ${'x'.repeat(100)}\r\n`.repeat(200)],
    [
      'a token over 16 KiB',
      `Authorization: Bearer ${'x'.repeat(16 * 1024)}\r\n`,
    ],
  ])('%s', async (_, header) => {
    const { status, head, body } = await exchange(
      url,
      `${headOf('GET', SESSION)}${header}\r\n`,
    );
    expect(status).toBe(`HTTP/1.1 431 ${TEXT}`);
    expect(head).toContain('content-type: application/json; charset=utf-8');
    expect(head).toContain('connection: close');
    expect(body).toEqual(errorBody(TEXT));
  });

  it('a URL over 16 KiB', async () => {
    const path = `${SESSION}?${'x'.repeat(17_000)}`;
    const { status, body } = await exchange(url, `${headOf('GET', path)}\r\n`);
    expect(status).toBe(`HTTP/1.1 431 ${TEXT}`);
    expect(body).toEqual(errorBody(TEXT));
  });

  it('not a header of 15 KiB', async () => {
    const header = `Connection: close\r\nX-Long: ${'x'.repeat(15 * 1024)}\r\n`;
    const { status } = await exchange(
      url,
      `${headOf('GET', SESSION)}${header}\r\n`,
    );
    expect(status).toBe('HTTP/1.1 200 OK');
  });
});

describe('400', () => {
  it.each([
    'nonsense\r\n\r\n',
    'GET / HTTP/1.1\r\nHost\r\n\r\n',
    `POST ${SESSION}/clear HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
    `POST ${SESSION}/clear HTTP/1.1\r\nHost: x\r\nContent-Length: x\r\n\r\n`,
  ])('malformed HTTP: %j', async (request) => {
    const { status, head, body } = await exchange(url, request);
    expect(status).toBe('HTTP/1.1 400 Bad Request');
    expect(head).toContain('connection: close');
    expect(body).toEqual(errorBody('Bad Request'));
  });

  // To a server that reads the other length, this is a second request.
  const smuggled = 'GET /api/history HTTP/1.1\r\nHost: x\r\n\r\n';

  it.each([
    ['both', 'Content-Length: 6\r\nTransfer-Encoding: chunked\r\n'],
    ['in reverse order', 'Transfer-Encoding: chunked\r\nContent-Length: 6\r\n'],
    ['identity', 'Content-Length: 6\r\nTransfer-Encoding: identity\r\n'],
    ['a list', 'Content-Length: 6\r\nTransfer-Encoding: gzip, chunked\r\n'],
    [
      'a space before the colon',
      'Content-Length: 6\r\nTransfer-Encoding : chunked\r\n',
    ],
    [
      'a folded line',
      'Content-Length: 6\r\nTransfer-Encoding:\r\n chunked\r\n',
    ],
    ['two lengths', 'Content-Length: 6\r\nContent-Length: 5\r\n'],
  ])('Content-Length with Transfer-Encoding: %s', async (_, headers) => {
    const start = headOf('POST', `${SESSION}/clear`) + headers;
    const { status, head, body } = await exchange(
      url,
      `${start}\r\n0\r\n\r\n${smuggled}`,
    );
    expect(status).toBe('HTTP/1.1 400 Bad Request');
    expect(body).toEqual(errorBody('Bad Request'));
    expect(head).toContain('connection: close');
    expect((await getSession(alice, ID)).version).toBe(1);
  });
});

describe('headers of HTTP/1.1', () => {
  it.each([
    ['no Host', '', '400 Bad Request', 'Host header is missing'],
    [
      'an unknown Expect',
      'Host: x\r\nExpect: nonsense\r\n',
      '417 Expectation Failed',
      'Expectation Failed',
    ],
  ])('are checked: %s', async (_, headers, expected, error) => {
    const { status, body } = await exchange(
      url,
      `GET ${SESSION} HTTP/1.1\r\n${headers}Connection: close\r\n\r\n`,
    );
    expect(status).toBe(`HTTP/1.1 ${expected}`);
    expect(body).toEqual(errorBody(error));
  });
});

describe('a path', () => {
  it.each([
    ['..', '400 Bad Request', validationErrors('session_id must be a UUID')],
    [
      '%zz',
      '400 Bad Request',
      errorBody("'/api/chat-sessions/%zz' is not a valid url component"),
    ],
    [
      '../history',
      '404 Not Found',
      errorBody('Cannot GET /api/chat-sessions/../history'),
    ],
  ])(
    'is not normalized: /api/chat-sessions/%s',
    async (path, expected, error) => {
      const start = headOf('GET', `/api/chat-sessions/${path}`);
      const { status, head, body } = await exchange(
        url,
        `${start}Connection: close\r\nX-Request-Id: mine\r\n\r\n`,
      );
      expect(status).toBe(`HTTP/1.1 ${expected}`);
      expect(head).toContain('x-request-id: mine');
      expect(body).toEqual(error);
    },
  );
});

describe('408', () => {
  let server: Server;
  const DEFAULTS = { headersTimeout: 10_000, requestTimeout: 30_000 };

  beforeAll(() => {
    server = api.app.getHttpServer() as Server;
  });

  afterEach(() => {
    Object.assign(server, DEFAULTS);
  });

  it('comes 10 s after the connection for headers, and after 30 s for a request', () => {
    expect(server).toMatchObject(DEFAULTS);
  });

  // For headers, Node.js takes the shorter of the two.
  const short = { headersTimeout: 200, requestTimeout: 200 };

  it.each([
    ['slow headers', { headersTimeout: 200 }, JSON_TYPE],
    ['a slow body', short, `${JSON_TYPE}Content-Length: 9\r\n\r\n{`],
    [
      'slow chunks',
      short,
      `${JSON_TYPE}Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\n`,
    ],
  ])('%s', async (_, limits, rest) => {
    Object.assign(server, limits);
    const { status, head, body } = await exchange(
      url,
      headOf('POST', `${SESSION}/messages`) + rest,
    );
    expect(status).toBe('HTTP/1.1 408 Request Timeout');
    expect(body).toEqual(errorBody('Request Timeout'));
    expect(head).toContain('connection: close');
  });
});
