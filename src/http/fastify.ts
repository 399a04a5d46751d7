import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import { UnsupportedMediaTypeException } from '@nestjs/common';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import type {
  FastifyInstance,
  FastifyReply,
  FastifyServerOptions,
} from 'fastify';
import { v7 as uuidv7 } from 'uuid';
import { acceptOnlyJson } from './json-body.js';

const SANE_REQUEST_ID = /^[A-Za-z0-9._-]{1,128}$/;

/** The HTTP server, with Fastify's own errors in the shape of ours. */
export function createFastifyAdapter(bodyLimit: number): FastifyAdapter {
  const options: FastifyServerOptions = {
    bodyLimit,
    // As long as a request line can be: too long an id gets a 400 that says so.
    routerOptions: { maxParamLength: 16 * 1024 },
    genReqId: ({ headers }) => {
      const id = headers['x-request-id'];
      return typeof id === 'string' && SANE_REQUEST_ID.test(id) ? id : uuidv7();
    },
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

export function configureFastify(server: FastifyInstance): void {
  acceptOnlyJson(server);
  server.addHook('onRequest', (request, reply, done) => {
    reply.header('x-request-id', request.id);
    const encoding = request.headers['content-encoding'] ?? 'identity';
    if (request.method !== 'GET' && encoding !== 'identity') {
      return done(
        new UnsupportedMediaTypeException(
          'Compressed request bodies are not accepted',
        ),
      );
    }
    done();
  });
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
