import { type DynamicModule, Module } from '@nestjs/common';
import type { Config } from '../config/config.js';
import { Draining } from '../http/draining.js';
import { HealthController } from './health.controller.js';

@Module({})
export class HealthModule {
  static with({ DRAIN_MS }: Config): DynamicModule {
    return {
      module: HealthModule,
      controllers: [HealthController],
      providers: [
        { provide: Draining, useFactory: () => new Draining(DRAIN_MS) },
      ],
    };
  }
}
