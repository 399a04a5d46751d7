import type { Server } from 'node:http';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import {
  A_UUID,
  createSession,
  errorBody,
  getSession,
} from '../support/api.js';
import { exchange } from '../support/exchange.js';
import { asOwner } from '../support/owners.js';
import { type Method, useTestApp } from '../support/test-app.js';
import { as, JWT_MODE } from '../support/tokens.js';

// Bad input and what it gets: what HTTP itself allows, and a service should not.

const api = useTestApp({ environment: JWT_MODE });
const alice = asOwner(api, 'alice');

const ID = '01938f5e-0000-7000-8000-000000000001';
const SESSION = `/api/chat-sessions/${ID}`;
const MESSAGES = `${SESSION}/messages`;
const LIMIT = 4 * 1024 * 1024;

let url: URL;
/** The start of a request that would be a good one. */
let headOf: (method: Method, path: string) => string;

beforeAll(async () => {
  url = new URL(await api.listen());
  const { authorization } = await as('alice');
  headOf = (method, path) =>
    `${method} ${path} HTTP/1.1\r\nHost: x\r\nAuthorization: ${authorization}\r\n`;
  await createSession(alice, { id: ID });
});

describe('431', () => {
  it.each([
    ['a header over 16 KiB', `X-Long: ${'x'.repeat(16 * 1024)}\r\n`],
    ['many that are together', `X-Many: ${'x'.repeat(100)}\r\n`.repeat(200)],
    [
      'a token over 16 KiB',
      `Authorization: Bearer ${'x'.repeat(16 * 1024)}\r\n`,
    ],
  ])('%s', async (_, header) => {
    const answer = await exchange(
      url,
      `${headOf('GET', SESSION)}${header}\r\n`,
    );
    expect(answer.status).toBe('HTTP/1.1 431 Request Header Fields Too Large');
    expect(answer.body).toEqual(errorBody('Request Header Fields Too Large'));
    expect(answer.head).toContain('connection: close');
  });

  it('but not 15 KiB', async () => {
    const header = `Connection: close\r\nX-Long: ${'x'.repeat(15 * 1024)}\r\n`;
    const answer = await exchange(
      url,
      `${headOf('GET', SESSION)}${header}\r\n`,
    );
    expect(answer.status).toBe('HTTP/1.1 200 OK');
  });
});

describe('404: an unknown route', () => {
  it.each([
    ['GET', '/api/nothing'],
    ['GET', '/'],
    ['PUT', SESSION],
    ['POST', '/api/history'],
    ['GET', '/api/chat-sessions/'],
  ] as const)('%s %s', async (method, path) => {
    for (const sender of [alice, api]) {
      const answer = await sender.send(method, path);
      expect(answer.status).toBe(404);
      expect(answer.body).toEqual(errorBody(`Cannot ${method} ${path}`));
      expect(answer.headers['x-request-id']).toEqual(A_UUID);
    }
  });

  it('../ out of a route that is there', async () => {
    const path = '/api/chat-sessions/../history';
    const head = `${headOf('GET', path)}Connection: close\r\n`;
    const answer = await exchange(url, `${head}\r\n`);
    expect(answer.status).toBe('HTTP/1.1 404 Not Found');
    expect(answer.body).toEqual(errorBody(`Cannot GET ${path}`));
  });
});

describe('413: too large', () => {
  it.each([
    ['with Content-Length', `Content-Length: ${LIMIT + 1}\r\n\r\n`],
    [
      'chunked',
      `Transfer-Encoding: chunked\r\n\r\n${(LIMIT + 1).toString(16)}\r\n${'x'.repeat(LIMIT + 1)}\r\n`,
    ],
    [
      'chunked, in many chunks',
      `Transfer-Encoding: chunked\r\n\r\n${`10000\r\n${'x'.repeat(0x10000)}\r\n`.repeat(65)}`,
    ],
  ])('%s', async (_, rest) => {
    const type = 'Content-Type: application/json\r\n';
    const answer = await exchange(url, headOf('POST', MESSAGES) + type + rest);
    expect(answer.status).toBe('HTTP/1.1 413 Payload Too Large');
    expect(answer.body).toEqual(errorBody('Request body is too large'));
    expect(answer.head).toContain('connection: close');
  });
});

describe('415', () => {
  const NOT_JSON = 'Content-Type must be application/json';
  const COMPRESSED = 'Compressed request bodies are not accepted';

  it.each([
    ['text/plain', { 'content-type': 'text/plain' }, NOT_JSON],
    ['multipart', { 'content-type': 'multipart/form-data' }, NOT_JSON],
    [
      'a form',
      { 'content-type': 'application/x-www-form-urlencoded' },
      NOT_JSON,
    ],
    ['gzip', { 'content-encoding': 'gzip' }, COMPRESSED],
    ['brotli', { 'content-encoding': 'br' }, COMPRESSED],
  ])('%s', async (_, headers, error) => {
    const answer = await api.app.inject({
      method: 'POST',
      url: MESSAGES,
      headers: {
        'content-type': 'application/json',
        ...(await as('alice')),
        ...headers,
      },
      payload: gzipSync('{"role":"user","content":"x"}'),
    });
    expect(answer.statusCode).toBe(415);
    expect(answer.json()).toEqual(errorBody(error));
  });
});

describe('400 and closed: Content-Length with Transfer-Encoding', () => {
  // What follows the end of one reading would be a second request by the other.
  const smuggled = `GET /api/history HTTP/1.1\r\nHost: x\r\n\r\n`;

  it.each([
    ['both', 'Content-Length: 6\r\nTransfer-Encoding: chunked\r\n'],
    [
      'the other way round',
      'Transfer-Encoding: chunked\r\nContent-Length: 6\r\n',
    ],
    ['of another kind', 'Content-Length: 6\r\nTransfer-Encoding: identity\r\n'],
    ['a list', 'Content-Length: 6\r\nTransfer-Encoding: gzip, chunked\r\n'],
    [
      'with a space before the colon',
      'Content-Length: 6\r\nTransfer-Encoding : chunked\r\n',
    ],
    ['a folded one', 'Content-Length: 6\r\nTransfer-Encoding:\r\n chunked\r\n'],
    ['two lengths', 'Content-Length: 6\r\nContent-Length: 5\r\n'],
  ])('%s', async (_, headers) => {
    const head = headOf('POST', `${SESSION}/clear`) + headers;
    const answer = await exchange(url, `${head}\r\n0\r\n\r\n${smuggled}`);
    expect(answer.status).toBe('HTTP/1.1 400 Bad Request');
    expect(answer.body).toEqual(errorBody('Bad Request'));
    expect(answer.head).toContain('connection: close');
    expect((await getSession(alice, ID)).version).toBe(1);
  });
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

  it('comes after 10 s for the headers, and 30 s for all of a request', () => {
    expect(server).toMatchObject(DEFAULTS);
  });

  // Node takes the shorter of the two for the headers.
  const short = { headersTimeout: 200, requestTimeout: 200 };
  const json = 'Content-Type: application/json\r\n';

  it.each([
    ['slow headers', { headersTimeout: 200 }, json],
    ['slow body', short, `${json}Content-Length: 9\r\n\r\n{`],
    [
      'slow chunks',
      short,
      `${json}Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\n`,
    ],
  ])('%s', async (_, limits, rest) => {
    Object.assign(server, limits);
    const answer = await exchange(url, headOf('POST', MESSAGES) + rest);
    expect(answer.status).toBe('HTTP/1.1 408 Request Timeout');
    expect(answer.body).toEqual(errorBody('Request Timeout'));
    expect(answer.head).toContain('connection: close');
  });
});
