import type { MigrationInterface, QueryRunner } from 'typeorm';

export class AddForks1796400000000 implements MigrationInterface {
  /** Databases store this name: a bundler may give the class another one. */
  readonly name = 'AddForks1796400000000';

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(
      'ALTER TABLE "chat_sessions" ADD COLUMN "forked_from" longtext',
    );
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(
      'ALTER TABLE "chat_sessions" DROP COLUMN "forked_from"',
    );
  }
}
