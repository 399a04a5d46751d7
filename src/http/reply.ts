import {
  type CallHandler,
  type ExecutionContext,
  HttpStatus,
  Injectable,
  type NestInterceptor,
} from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { map, type Observable } from 'rxjs';

/**
 * What a handler answers when the body is not all: a status that depends,
 * headers. A Buffer is a body that is serialized already.
 */
export class Reply<Body> {
  constructor(
    readonly body: Body,
    readonly head: {
      status?: HttpStatus;
      headers: Readonly<Record<string, string>>;
    },
  ) {}
}

/** Writes a Reply to the response, on any adapter. */
@Injectable()
export class ReplyInterceptor implements NestInterceptor {
  constructor(private readonly adapterHost: HttpAdapterHost) {}

  intercept(
    context: ExecutionContext,
    next: CallHandler<unknown>,
  ): Observable<unknown> {
    const response = context.switchToHttp().getResponse<object>();
    const { httpAdapter } = this.adapterHost;
    // Express makes JSON of a Buffer.
    const sendsBuffers = httpAdapter.getType() === 'fastify';
    return next.handle().pipe(
      map((result) => {
        if (!(result instanceof Reply)) return result;
        const { status, headers } = result.head;
        if (status) httpAdapter.status(response, status);
        for (const [name, value] of Object.entries(headers)) {
          httpAdapter.setHeader(response, name, value);
        }
        return result.body instanceof Buffer && !sendsBuffers
          ? result.body.toString()
          : (result.body as unknown);
      }),
    );
  }
}
