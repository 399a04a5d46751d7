import { type DynamicModule, Module } from '@nestjs/common';
import { getDataSourceToken } from '@nestjs/typeorm';
import type { DataSource } from 'typeorm';
import { Database } from './database.js';
import { MysqlDatabase } from './mysql.database.js';
import { SqliteDatabase } from './sqlite.database.js';

/** The door to the store, for all modules. */
@Module({})
export class DatabaseModule {
  /** @param deadlineMs milliseconds in which a unit of work ends one way or another */
  static with(deadlineMs: number): DynamicModule {
    return {
      module: DatabaseModule,
      global: true,
      providers: [
        {
          provide: Database,
          inject: [getDataSourceToken()],
          useFactory: (dataSource: DataSource) =>
            dataSource.options.type === 'better-sqlite3'
              ? new SqliteDatabase(dataSource, deadlineMs)
              : new MysqlDatabase(dataSource, deadlineMs),
        },
      ],
      exports: [Database],
    };
  }
}
