import { type ExecutionContext, SetMetadata } from '@nestjs/common';

/** How a request is counted by a rate limit. */
export type RequestKind = 'reads' | 'writes' | 'outputs';

const KIND = Symbol('kind of request');

/** Counts the requests of a route as outputs of a run: a writer sends several a second, and nobody must be kept from stopping one. */
export function CountedAsOutput(): MethodDecorator {
  return SetMetadata(KIND, 'outputs' satisfies RequestKind);
}

export function requestKindOf(context: ExecutionContext): RequestKind {
  const { method } = context.switchToHttp().getRequest<{ method: string }>();
  if (method === 'GET' || method === 'HEAD') return 'reads';
  const kind = Reflect.getMetadata(KIND, context.getHandler()) as
    RequestKind | undefined;
  return kind ?? 'writes';
}
