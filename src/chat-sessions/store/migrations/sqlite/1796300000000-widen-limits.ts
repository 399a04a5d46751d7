import type { MigrationInterface, QueryRunner } from 'typeorm';
import { refuseWideValues } from '../refuse-wide-values.js';

export class WidenLimits1796300000000 implements MigrationInterface {
  /** Databases store this name: a bundler may give the class another one. */
  readonly name = 'WidenLimits1796300000000';

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(
      'ALTER TABLE "chat_messages" ADD COLUMN "long_id" varchar(255)',
    );
    await replaceTitle(queryRunner, 255);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await refuseWideValues(queryRunner);
    await replaceTitle(queryRunner, 200);
    await queryRunner.query(
      'ALTER TABLE "chat_messages" DROP COLUMN "long_id"',
    );
  }
}

/** SQLite ignores the length of a column, but the schema says it; it cannot change in place. */
async function replaceTitle(
  queryRunner: QueryRunner,
  length: number,
): Promise<void> {
  for (const statement of [
    `ALTER TABLE "chat_sessions" ADD COLUMN "new_title" varchar(${length})`,
    'UPDATE "chat_sessions" SET "new_title" = "title"',
    'ALTER TABLE "chat_sessions" DROP COLUMN "title"',
    'ALTER TABLE "chat_sessions" RENAME COLUMN "new_title" TO "title"',
  ]) {
    await queryRunner.query(statement);
  }
}
