import {
  type DynamicModule,
  Injectable,
  type OnApplicationShutdown,
  type OnModuleDestroy,
} from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import {
  FastifyAdapter,
  type NestFastifyApplication,
} from '@nestjs/platform-fastify';
import { expect, it } from 'vitest';
import { Draining } from './draining.js';
import { ServerModule } from './server.module.js';

/** Records how far the server's end is when a module that requests need ends. */
@Injectable()
class Store implements OnModuleDestroy, OnApplicationShutdown {
  readonly seen: string[] = [];
  isDraining = () => false;
  isListening = () => true;

  onModuleDestroy(): void {
    this.seen.push(`draining: ${this.isDraining()}`);
  }

  onApplicationShutdown(): void {
    this.seen.push(`listening: ${this.isListening()}`);
  }
}

class StoreModule {}
class Root {}

it.each(['before', 'after'])(
  'closes the server before what requests need, which is imported %s it',
  async (order) => {
    const store: DynamicModule = {
      module: StoreModule,
      providers: [Store],
      exports: [Store],
    };
    const server = ServerModule.forRoot({ drainMs: 0, imports: [store] });
    const imports = order === 'before' ? [store, server] : [server, store];
    const app = await NestFactory.create<NestFastifyApplication>(
      { module: Root, imports },
      new FastifyAdapter(),
      { logger: false },
    );
    await app.listen(0, '127.0.0.1');
    const { seen } = Object.assign(app.get(Store), {
      isDraining: () => app.get(Draining).hasBegun,
      isListening: () => app.getHttpServer().listening as boolean,
    });
    await app.close();
    expect(seen).toEqual(['draining: true', 'listening: false']);
  },
);
