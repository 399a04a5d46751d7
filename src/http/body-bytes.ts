import type { IncomingMessage } from 'node:http';

/** A body that is larger is not kept (16 MiB). */
const MAX_BYTES = 16 * 1024 * 1024;

const bodies = new WeakMap<IncomingMessage, Buffer[]>();

/**
 * Keeps the bytes of a body for `takeBytes`, while the application's parser reads
 * them: from its first listener for `data` until it removes one. So the parser
 * gets the same bytes at the same time as without it, and a body that it gives
 * up is not kept. A parser that reads in another way, or a body of more than
 * 16 MiB, leaves no bytes.
 */
export function keepBytes(request: IncomingMessage): void {
  const chunks: Buffer[] = [];
  let bytes = 0;
  const keep = (chunk: Buffer | string) => {
    chunks.push(typeof chunk === 'string' ? Buffer.from(chunk) : chunk);
    bytes += chunk.length;
    if (bytes <= MAX_BYTES) return;
    bodies.delete(request);
    chunks.length = 0;
    stop();
  };
  const begin = (event: string | symbol) => {
    if (event !== 'data') return;
    request.off('newListener', begin);
    request.on('data', keep).on('removeListener', end);
  };
  const end = (event: string | symbol) => {
    if (event === 'data') stop();
  };
  const stop = () => request.off('removeListener', end).off('data', keep);
  request.on('newListener', begin);
  bodies.set(request, chunks);
}

/** Takes the bytes that were kept; undefined if there are none. */
export function takeBytes(request: IncomingMessage): Buffer | undefined {
  const chunks = bodies.get(request) ?? [];
  bodies.delete(request);
  return chunks.length > 0 ? Buffer.concat(chunks) : undefined;
}
