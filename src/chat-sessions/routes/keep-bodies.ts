import { Injectable, type OnModuleInit } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import type { IncomingMessage } from 'node:http';
import { keepBytes } from '../../http/body-bytes.js';
import { beforeParsers } from '../../http/request.js';
import { isExactServer } from '../../http/response.js';

/** Paths of the routes that store a body, whatever the application puts before them. */
const PATH =
  /\/chat-sessions(?:\/[^/]+(?:\/(?:config|fork|leaf|messages(?:\/[^/]+)?))?)?\/?$/i;
const METHODS = new Set(['POST', 'PUT', 'PATCH']);

/**
 * Keeps the bytes of bodies for JsonBodyGuard: the parsers of platforms keep only
 * values, whose numbers are rounded. The service's own parser needs no bytes.
 */
@Injectable()
export class KeepBodies implements OnModuleInit {
  constructor(private readonly adapterHost: HttpAdapterHost) {}

  onModuleInit(): void {
    const { httpAdapter } = this.adapterHost;
    // An application without a server has no adapter.
    if (!httpAdapter || isExactServer(httpAdapter)) return;
    beforeParsers(httpAdapter, keep);
  }
}

function keep(request: IncomingMessage): void {
  if (isStored(request)) keepBytes(request);
}

/** Whether the module may store the body of a request. */
export function isStored({
  method = '',
  url = '',
  headers,
}: Pick<IncomingMessage, 'method' | 'url' | 'headers'>): boolean {
  return (
    METHODS.has(method) &&
    PATH.test(url.split('?', 1)[0]!) &&
    /^application\/(?:merge-patch\+)?json\b/i.test(
      headers['content-type'] ?? '',
    ) &&
    headers['content-encoding'] === undefined
  );
}
