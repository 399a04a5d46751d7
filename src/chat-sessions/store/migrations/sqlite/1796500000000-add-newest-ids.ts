import type { MigrationInterface, QueryRunner } from 'typeorm';

export class AddNewestIds1796500000000 implements MigrationInterface {
  /** Databases store this name: a bundler may give the class another one. */
  readonly name = 'AddNewestIds1796500000000';

  async up(queryRunner: QueryRunner): Promise<void> {
    for (const column of ['"newest_seq" integer', '"newest_id" varchar(255)']) {
      await queryRunner.query(
        `ALTER TABLE "chat_sessions" ADD COLUMN ${column}`,
      );
    }
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    for (const column of ['newest_seq', 'newest_id']) {
      await queryRunner.query(
        `ALTER TABLE "chat_sessions" DROP COLUMN "${column}"`,
      );
    }
  }
}
