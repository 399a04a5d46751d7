import { Injectable, type OnModuleInit } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import type { FastifyInstance } from 'fastify';
import type { IncomingMessage, Server } from 'node:http';
import { keepBytes } from '../../http/body-bytes.js';
import { isExactServer } from '../../http/response.js';

/** Paths of routes with a body, whatever the application puts before them. */
const PATH = /\/chat-sessions?(?:[/?]|$)/i;

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
    if (httpAdapter.getType() === 'fastify') {
      // Fastify may have several servers, one for each address.
      httpAdapter
        .getInstance<FastifyInstance>()
        .addHook('onRequest', ({ raw }, _reply, done) => {
          keep(raw);
          done();
        });
    } else {
      (httpAdapter.getHttpServer() as Server).prependListener('request', keep);
    }
  }
}

function keep(request: IncomingMessage): void {
  if (PATH.test(request.url ?? '')) keepBytes(request);
}
