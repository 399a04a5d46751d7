/** The common part of the responses of Fastify and Express. */
export interface HttpResponse {
  status(code: number): unknown;
  header(name: string, value: string): unknown;
}

/**
 * A serialized JSON body, to be returned from a handler. Fastify sends bytes as
 * they are; on Express, Nest would serialize the Buffer itself.
 */
export function jsonBytes(response: HttpResponse, body: Buffer): Buffer {
  return 'raw' in response ? body : (JSON.parse(body.toString()) as Buffer);
}
