import type { HttpServer } from '@nestjs/common';

/** The media type of all bodies. */
export const JSON_TYPE = 'application/json; charset=utf-8';

/** The common part of the responses of Fastify and Express. */
export interface HttpResponse {
  status(code: number): unknown;
  header(name: string, value: string): unknown;
}

/**
 * A serialized JSON body, to be returned from a handler or an interceptor. Fastify sends bytes as
 * they are; on Express, Nest would serialize a Buffer, but sends text.
 */
export function jsonBytes(
  response: HttpResponse,
  body: Buffer,
): Buffer | string {
  response.header('Content-Type', JSON_TYPE);
  return 'raw' in response ? body : body.toString();
}

/** Whether a server is the service's own, which reads and sends open JSON exactly. */
export function isExactServer(server: HttpServer): boolean {
  const instance = server.getInstance() as { sendsExactJson?: boolean };
  return instance.sendsExactJson === true;
}
