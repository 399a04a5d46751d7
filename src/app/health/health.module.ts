import { type DynamicModule, Module } from '@nestjs/common';
import { CHECK_TIMEOUT_MS, HealthController } from './health.controller.js';

export interface HealthOptions {
  /** Milliseconds that readiness waits for the store. */
  checkTimeoutMs: number;
  /** The modules that export `Database` and `Draining`. */
  imports: DynamicModule[];
}

@Module({ controllers: [HealthController] })
export class HealthModule {
  static forRoot({ checkTimeoutMs, imports }: HealthOptions): DynamicModule {
    return {
      module: HealthModule,
      imports,
      providers: [{ provide: CHECK_TIMEOUT_MS, useValue: checkTimeoutMs }],
    };
  }
}
