import {
  BadRequestException,
  type HttpException,
  UnsupportedMediaTypeException,
} from '@nestjs/common';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import type { FastifyHttpOptions, FastifyReply, FastifyRequest } from 'fastify';
import { randomUUID } from 'node:crypto';
import {
  type IncomingHttpHeaders,
  type IncomingMessage,
  type Server,
  type ServerResponse,
  STATUS_CODES,
} from 'node:http';
import type { BlockList, Socket } from 'node:net';
import { codeOfStatus } from '../errors/coded-error.js';
import { stringifyExactly } from '../json/exact-json.js';
import { includesAddress } from './addresses.js';
import { SECURITY_HEADERS } from './browsers.js';
import { acceptOnlyJson } from './json-body.js';
import {
  endMalformed,
  isLingering,
  lingerOnEarlyResponses,
} from './lingering.js';
import { JSON_TYPE } from './response.js';
import { NO_HOST } from './route-errors.js';

/** Timeout for receiving a request, body included. */
const REQUEST_TIMEOUT_MS = 30_000;
const HEADERS_TIMEOUT_MS = 10_000;
/** How often the server looks for requests over these timeouts. */
const TIMEOUT_CHECK_MS = 1_000;
/** Limit of the request line and all headers together. */
const MAX_HEADER_BYTES = 16 * 1024;
/** From here on, a response is sent as bytes. */
const LARGE_CHARACTERS = 64 * 1024;
const REQUEST_ID = /^[A-Za-z0-9._-]{1,128}$/;

export interface FastifyOptions {
  /** Most bytes of a request body. */
  bodyLimit: number;
  /** Addresses whose X-Forwarded-For is believed. */
  trustedProxies: BlockList;
}

/**
 * Makes the HTTP server. It accepts only JSON bodies, sends the security headers
 * and X-Request-Id with every response, and answers errors outside of Nest as
 * `{"error": "...", "code": "..."}` too.
 */
export function createFastifyAdapter({
  bodyLimit,
  trustedProxies,
}: FastifyOptions): FastifyAdapter {
  const options: FastifyHttpOptions<Server> = {
    bodyLimit,
    trustProxy: (address) => includesAddress(trustedProxies, address),
    requestTimeout: REQUEST_TIMEOUT_MS,
    http: {
      // Node would answer 400 without a body.
      requireHostHeader: false,
      headersTimeout: HEADERS_TIMEOUT_MS,
      maxHeaderSize: MAX_HEADER_BYTES,
      connectionsCheckingInterval: TIMEOUT_CHECK_MS,
    },
    // No shorter than a request line, so that too long an id gets a 400 that says so.
    routerOptions: { maxParamLength: MAX_HEADER_BYTES },
    genReqId: ({ headers }) => requestIdOf(headers),
    frameworkErrors: (error, request, reply) => {
      const response: FastifyReply = reply;
      const status = error.statusCode ?? 400;
      void response
        .header('x-request-id', request.id)
        .status(status)
        .send({ error: error.message, code: codeOfStatus(status) });
    },
    clientErrorHandler: answerMalformedHttp,
  };
  const adapter = new FastifyAdapter(options);
  const fastify = adapter.getInstance();
  acceptOnlyJson(fastify);
  fastify.setReplySerializer(serialize).decorate('sendsExactJson', true);
  fastify.server.on('checkExpectation', refuseExpectation);
  lingerOnEarlyResponses(fastify.server);
  fastify.addHook('onRequest', (request, reply, done) => {
    // Nobody would get the response, so a pipelined request is left undone.
    if (isLingering(request.raw.socket)) return void reply.hijack();
    reply.headers(SECURITY_HEADERS).header('x-request-id', request.id);
    done(refusalOf(request));
  });
  return adapter;
}

/** A large text goes as bytes: Node would copy it twice, once with the headers and once for the socket. */
function serialize(body: unknown): string {
  const json = stringifyExactly(body);
  return json.length > LARGE_CHARACTERS
    ? // Fastify sends it as it is; its type only knows strings.
      (Buffer.from(json) as unknown as string)
    : json;
}

/** Returns the client's request id if it is well-formed, otherwise a new one. */
function requestIdOf({ 'x-request-id': id }: IncomingHttpHeaders) {
  return typeof id === 'string' && REQUEST_ID.test(id) ? id : randomUUID();
}

function refusalOf({
  method,
  headers,
  raw,
}: FastifyRequest): HttpException | undefined {
  if (!headers.host && raw.httpVersion === '1.1') {
    return new BadRequestException(NO_HOST);
  }
  const encoding = headers['content-encoding'] ?? 'identity';
  if (method !== 'GET' && encoding.toLowerCase() !== 'identity') {
    return new UnsupportedMediaTypeException(
      'Compressed request bodies are not accepted',
    );
  }
  return undefined;
}

/** Answers 417 to an `Expect` other than 100-continue. Node would do so without a body. */
function refuseExpectation(
  _request: IncomingMessage,
  response: ServerResponse,
): void {
  const body = bodyOf(417);
  response
    .writeHead(417, {
      'Content-Type': JSON_TYPE,
      'Content-Length': Buffer.byteLength(body),
    })
    .end(body);
}

function bodyOf(status: number): string {
  const error = STATUS_CODES[status];
  return JSON.stringify({ error, code: codeOfStatus(status) });
}

const STATUS_OF_SOCKET_ERROR: Record<string, number> = {
  HPE_HEADER_OVERFLOW: 431,
  ERR_HTTP_REQUEST_TIMEOUT: 408,
};

/** Answers what never became a request: malformed HTTP, headers over the limit, a client over the timeout. */
function answerMalformedHttp(
  error: Error & { code?: string },
  socket: Socket,
): void {
  if (error.code === 'ECONNRESET' || socket.destroyed) return;
  if (isLingering(socket)) return;
  const status = STATUS_OF_SOCKET_ERROR[error.code ?? ''] ?? 400;
  const body = bodyOf(status);
  endMalformed(
    socket,
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n` +
      `Content-Type: ${JSON_TYPE}\r\n` +
      `Content-Length: ${Buffer.byteLength(body)}\r\n` +
      `Connection: close\r\n\r\n${body}`,
  );
}
