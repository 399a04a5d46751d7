import {
  Controller,
  type DynamicModule,
  ForbiddenException,
  Get,
  type INestApplication,
  type NestApplicationOptions,
} from '@nestjs/common';
import { type AbstractHttpAdapter, NestFactory } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { TypeOrmModule } from '@nestjs/typeorm';
import mysql, { type PoolOptions } from 'mysql2';
import { Column, DataSource, Entity, PrimaryColumn } from 'typeorm';
import { parseMysqlUrl } from '../../../src/database/mysql/address.js';
import {
  chatSessionsEntities,
  ChatSessionsModule,
  type ChatSessionsOptions,
  type ChatSessionsRegistration,
  mysqlMigrations,
  sqliteDataSource,
} from '../../../src/index.js';
import type { TestDatabase } from '../mysql-database.js';
import { PATIENT_DEADLINE_MS } from '../patience.js';
import { STORE } from '../stores.js';

@Entity('notes')
export class Note {
  @PrimaryColumn({ type: 'int' })
  id: number;

  @Column({ type: 'varchar' })
  text: string;
}

@Controller('notes')
class NotesController {
  @Get()
  list(): never {
    throw new ForbiddenException('Not yours');
  }
}

export const isMysql = STORE === 'mysql';
export const owner = ({
  headers,
}: {
  headers: Record<string, string | undefined>;
}) => headers['x-user-id'];

/** The data source of a platform. `more` are further options. */
export function dataSourceOn(
  { url }: TestDatabase,
  more: object = {},
): DataSource {
  if (!isMysql) {
    return new DataSource({
      type: 'better-sqlite3',
      database: url.slice('sqlite:'.length),
      entities: chatSessionsEntities,
      ...more,
    });
  }
  const { hosts, user, password, database } = parseMysqlUrl(url);
  return new DataSource({
    ...hosts[0]!,
    type: 'mariadb',
    username: user,
    password,
    database,
    entities: chatSessionsEntities,
    migrations: mysqlMigrations,
    migrationsRun: true,
    ...more,
  });
}

/** A data source on MySQL whose connections begin with a SET. */
export function dataSourceWith(
  setting: string,
  database: TestDatabase,
): DataSource {
  const driver = {
    ...mysql,
    createPool(options: PoolOptions) {
      const pool = mysql.createPool(options);
      pool.on('connection', (connection) => {
        connection.query(`SET ${setting}`);
      });
      return pool;
    },
  };
  return dataSourceOn(database, { driver });
}

export function platform(
  dataSource: DataSource,
  options: Partial<ChatSessionsOptions & ChatSessionsRegistration> = {},
): DynamicModule {
  return {
    module: class Platform {},
    imports: [
      TypeOrmModule.forRootAsync({
        useFactory: () => dataSource.options,
        dataSourceFactory: () => Promise.resolve(dataSource),
      }),
      ChatSessionsModule.forRoot({
        owner,
        deadlineMs: PATIENT_DEADLINE_MS,
        ...options,
      }),
    ],
    controllers: [NotesController],
  };
}

export function create(
  module: DynamicModule,
  adapter: AbstractHttpAdapter = new ExpressAdapter(),
  more: NestApplicationOptions = {},
): Promise<INestApplication> {
  const options = { logger: false, abortOnError: false, ...more } as const;
  return NestFactory.create(module, adapter, options);
}

export function usableDataSource(database: TestDatabase): DataSource {
  return isMysql
    ? dataSourceOn(database)
    : sqliteDataSource(database.url.slice('sqlite:'.length), {
        migrationsRun: true,
      });
}
