import type { HttpStatus } from '@nestjs/common';

/** What the responses of Fastify and Express have in common. */
export interface HttpResponse {
  status(code: number): unknown;
  header(name: string, value: string): unknown;
}

/**
 * What a handler answers when the body is not all: a status that depends,
 * headers. A Buffer is a body that is serialized already.
 *
 * Handlers write it themselves, as an interceptor takes longer than the routing.
 */
export class Reply<Body> {
  constructor(
    readonly body: Body,
    readonly head: {
      status?: HttpStatus;
      headers: Readonly<Record<string, string>>;
    },
  ) {}

  /** Writes the head to a `@Res({ passthrough: true })`, and gives the body for Nest to send. */
  to(response: HttpResponse): Body {
    const { status, headers } = this.head;
    if (status) response.status(status);
    for (const name in headers) response.header(name, headers[name]!);
    // Fastify sends bytes as they are, Nest on Express would not.
    return this.body instanceof Buffer && !('raw' in response)
      ? (JSON.parse(this.body.toString()) as Body)
      : this.body;
  }
}
