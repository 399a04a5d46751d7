import { type DynamicModule, Module } from '@nestjs/common';
import type { Config } from '../config/config.js';
import { Draining } from '../../http/draining.js';
import { HealthController } from './health.controller.js';

@Module({})
export class HealthModule {
  /** @param store the module that opens the store */
  static with({ DRAIN_MS }: Config, store: DynamicModule): DynamicModule {
    return {
      module: HealthModule,
      imports: [store],
      controllers: [HealthController],
      providers: [
        { provide: Draining, useFactory: () => new Draining(DRAIN_MS) },
      ],
    };
  }
}
