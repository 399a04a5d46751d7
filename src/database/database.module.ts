import { Module } from '@nestjs/common';
import { getDataSourceToken } from '@nestjs/typeorm';
import type { DataSource } from 'typeorm';
import { Database } from './database.js';
import { MysqlDatabase } from './mysql.database.js';
import { SqliteDatabase } from './sqlite.database.js';

@Module({
  providers: [
    {
      provide: Database,
      inject: [getDataSourceToken()],
      useFactory: (dataSource: DataSource) =>
        dataSource.options.type === 'better-sqlite3'
          ? new SqliteDatabase(dataSource)
          : new MysqlDatabase(dataSource),
    },
  ],
  exports: [Database],
})
export class DatabaseModule {}
