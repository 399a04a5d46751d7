import { type DynamicModule, Module } from '@nestjs/common';
import { HealthController } from './health.controller.js';

@Module({ controllers: [HealthController] })
export class HealthModule {
  /** @param imports the modules that export `Database` and `Draining` */
  static forRoot({ imports }: { imports: DynamicModule[] }): DynamicModule {
    return { module: HealthModule, imports };
  }
}
