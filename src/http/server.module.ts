import { type DynamicModule, Module } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import type { FastifyAdapter } from '@nestjs/platform-fastify';
import { Draining } from './draining.js';

export interface ServerOptions {
  /** Milliseconds that requests are still accepted after the signal to end. */
  drainMs: number;
  /** The modules that answer requests. Nest ends a module before those that it imports, so the server ends before they do. */
  imports: DynamicModule[];
}

/** Drains the Fastify server when the application ends. Exports `Draining`. */
@Module({})
export class ServerModule {
  static forRoot({ drainMs, imports }: ServerOptions): DynamicModule {
    return {
      module: ServerModule,
      imports,
      providers: [
        {
          provide: Draining,
          inject: [HttpAdapterHost],
          useFactory: ({ httpAdapter }: HttpAdapterHost<FastifyAdapter>) =>
            new Draining(httpAdapter.getInstance(), drainMs),
        },
      ],
      exports: [Draining],
    };
  }
}
