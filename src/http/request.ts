import type { AbstractHttpAdapter } from '@nestjs/core';
import type { FastifyInstance } from 'fastify';
import type { IncomingMessage, Server } from 'node:http';

/** A request of either adapter: Express hands out Node's own, Fastify wraps it as `raw`. */
export type HttpRequest = IncomingMessage | { raw: IncomingMessage };

export function rawOf(request: HttpRequest): IncomingMessage {
  return 'raw' in request ? request.raw : request;
}

/** Calls a listener for every request, before the parsers of the application read its body. */
export function beforeParsers(
  httpAdapter: AbstractHttpAdapter,
  listener: (request: IncomingMessage) => void,
): void {
  if (httpAdapter.getType() === 'fastify') {
    // Fastify may have several servers, one for each address.
    httpAdapter
      .getInstance<FastifyInstance>()
      .addHook('onRequest', ({ raw }, _reply, done) => {
        listener(raw);
        done();
      });
  } else {
    (httpAdapter.getHttpServer() as Server).prependListener(
      'request',
      listener,
    );
  }
}

/** Whether a body follows the headers. */
export function hasBody({ headers }: IncomingMessage): boolean {
  return 'content-length' in headers || 'transfer-encoding' in headers;
}

export const REPEATED = Symbol('repeated');

/**
 * The value of a header; undefined if it is missing, `REPEATED` if it was sent
 * more than once. Node keeps only the first of several values, and choosing one
 * would be a guess.
 */
export function singleHeader(
  { rawHeaders }: IncomingMessage,
  header: string,
): string | undefined | typeof REPEATED {
  const name = header.toLowerCase();
  const values = rawHeaders.filter(
    (_, index) =>
      index % 2 === 1 && rawHeaders[index - 1]?.toLowerCase() === name,
  );
  return values.length > 1 ? REPEATED : values[0];
}
