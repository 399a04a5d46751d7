import { type DynamicModule, Module } from '@nestjs/common';
import { APP_FILTER, APP_PIPE } from '@nestjs/core';
import { TypeOrmModule } from '@nestjs/typeorm';
import type { DataSource } from 'typeorm';
import { ChatSessionsModule } from './chat-sessions/chat-sessions.module.js';
import { HealthModule } from './health/health.module.js';
import { AllExceptionsFilter } from './http/exception.filter.js';
import { DtoPipe } from './validation/dto.pipe.js';

/** The stand-alone service. */
@Module({})
export class AppModule {
  /** @param dataSource connected; the application closes it at its own end. */
  static on(dataSource: DataSource): DynamicModule {
    return {
      module: AppModule,
      imports: [
        TypeOrmModule.forRootAsync({
          useFactory: () => dataSource.options,
          dataSourceFactory: () => Promise.resolve(dataSource),
        }),
        ChatSessionsModule,
        HealthModule,
      ],
      providers: [
        { provide: APP_FILTER, useClass: AllExceptionsFilter },
        { provide: APP_PIPE, useClass: DtoPipe },
      ],
    };
  }
}
