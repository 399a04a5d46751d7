import type { MigrationInterface, QueryRunner } from 'typeorm';
import { refuseWideValues } from '../refuse-wide-values.js';
import { changeColumnType } from './change-column-type.js';

const TITLE = { table: 'chat_sessions', column: 'title' };

export class WidenLimits1796300000000 implements MigrationInterface {
  /** Databases store this name: a bundler may give the class another one. */
  readonly name = 'WidenLimits1796300000000';

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(
      'ALTER TABLE "chat_messages" ADD COLUMN "long_id" varchar(255)',
    );
    await changeColumnType(queryRunner, {
      ...TITLE,
      from: 'varchar(200)',
      to: 'varchar(255)',
    });
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    // Locks the file: a transaction that has read cannot write after another one.
    await queryRunner.query('DELETE FROM "chat_sessions" WHERE 0');
    await refuseWideValues(queryRunner);
    await changeColumnType(queryRunner, {
      ...TITLE,
      from: 'varchar(255)',
      to: 'varchar(200)',
    });
    await queryRunner.query(
      'ALTER TABLE "chat_messages" DROP COLUMN "long_id"',
    );
  }
}
