import { randomUUID } from 'node:crypto';
import {
  type IncomingHttpHeaders,
  type IncomingMessage,
  type Server,
  type ServerResponse,
  STATUS_CODES,
} from 'node:http';
import type { Socket } from 'node:net';
import {
  BadRequestException,
  UnsupportedMediaTypeException,
} from '@nestjs/common';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import type {
  FastifyInstance,
  FastifyReply,
  FastifyHttpOptions,
} from 'fastify';
import { acceptOnlyJson } from './json-body.js';
import { NO_HOST } from './route-errors.js';

/** For all of a request to arrive, body included. */
const REQUEST_TIMEOUT_MS = 30_000;
const HEADERS_TIMEOUT_MS = 10_000;
/** How often the server looks for requests that take longer. */
const TIMEOUT_CHECK_MS = 1_000;
/** The request line and all headers together. */
const MAX_HEADER_BYTES = 16 * 1024;
const SANE_REQUEST_ID = /^[A-Za-z0-9._-]{1,128}$/;

export interface FastifyOptions {
  /** Bytes of a request body. */
  bodyLimit: number;
  /** Addresses and CIDR blocks whose X-Forwarded-For is believed; an empty list believes nobody. */
  trustedProxies: string[];
}

/** The HTTP server. Errors of Fastify itself have the shape of ours. */
export function createFastifyAdapter({
  bodyLimit,
  trustedProxies,
}: FastifyOptions): FastifyAdapter {
  const options: FastifyHttpOptions<Server> = {
    bodyLimit,
    trustProxy: trustedProxies,
    requestTimeout: REQUEST_TIMEOUT_MS,
    http: {
      // Node would answer without a body.
      requireHostHeader: false,
      headersTimeout: HEADERS_TIMEOUT_MS,
      maxHeaderSize: MAX_HEADER_BYTES,
      connectionsCheckingInterval: TIMEOUT_CHECK_MS,
    },
    // As long as a request line can be: too long an id gets a 400 that says so.
    routerOptions: { maxParamLength: MAX_HEADER_BYTES },
    genReqId: ({ headers }) => requestIdOf(headers),
    frameworkErrors: (error, request, reply) => {
      const answer: FastifyReply = reply;
      void answer
        .header('x-request-id', request.id)
        .status(error.statusCode ?? 400)
        .send({ error: error.message });
    },
    clientErrorHandler: answerMalformedHttp,
  };
  return new FastifyAdapter(options);
}

/** The client's own where it is sane, otherwise a new one. */
export function requestIdOf({ 'x-request-id': id }: IncomingHttpHeaders) {
  return typeof id === 'string' && SANE_REQUEST_ID.test(id) ? id : randomUUID();
}

export function configureFastify(server: FastifyInstance): void {
  acceptOnlyJson(server);
  server.server.on('checkExpectation', refuseExpectation);
  server.addHook('onRequest', (request, reply, done) => {
    reply.header('x-request-id', request.id);
    if (!request.headers.host && request.raw.httpVersion === '1.1') {
      return done(new BadRequestException(NO_HOST));
    }
    const encoding = request.headers['content-encoding'] ?? 'identity';
    if (request.method !== 'GET' && encoding.toLowerCase() !== 'identity') {
      return done(
        new UnsupportedMediaTypeException(
          'Compressed request bodies are not accepted',
        ),
      );
    }
    done();
  });
}

/** Answers an `Expect` of anything but 100-continue, which Node would without a body. */
function refuseExpectation(
  _request: IncomingMessage,
  response: ServerResponse,
): void {
  const body = JSON.stringify({ error: STATUS_CODES[417] });
  response
    .writeHead(417, {
      'Content-Type': 'application/json; charset=utf-8',
      'Content-Length': Buffer.byteLength(body),
    })
    .end(body);
}

const STATUS_OF_SOCKET_ERROR: Record<string, number> = {
  HPE_HEADER_OVERFLOW: 431,
  ERR_HTTP_REQUEST_TIMEOUT: 408,
};

/** Answers what never became a request: malformed HTTP, too large a header, too slow a client. */
function answerMalformedHttp(
  error: Error & { code?: string },
  socket: Socket,
): void {
  if (error.code === 'ECONNRESET' || socket.destroyed) return;
  const status = STATUS_OF_SOCKET_ERROR[error.code ?? ''] ?? 400;
  const body = JSON.stringify({ error: STATUS_CODES[status] });
  socket.end(
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n` +
      'Content-Type: application/json; charset=utf-8\r\n' +
      `Content-Length: ${Buffer.byteLength(body)}\r\n` +
      `Connection: close\r\n\r\n${body}`,
  );
}
