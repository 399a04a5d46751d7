import type { MigrationInterface, QueryRunner } from 'typeorm';
import { changeSchema } from './change-schema.js';

/** ALGORITHM=INSTANT makes the server refuse a statement rather than rebuild the table. */
export class AddNewestIds1796500000000 implements MigrationInterface {
  /** Databases store this name: a bundler may give the class another one. */
  readonly name = 'AddNewestIds1796500000000';

  async up(queryRunner: QueryRunner): Promise<void> {
    if (await queryRunner.hasColumn('chat_sessions', 'newest_id')) return;
    await changeSchema(
      queryRunner,
      `
      ALTER TABLE \`chat_sessions\`
        ADD COLUMN \`newest_seq\` int unsigned NULL,
        ADD COLUMN \`newest_id\` varchar(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NULL,
        ALGORITHM=INSTANT`,
    );
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    if (!(await queryRunner.hasColumn('chat_sessions', 'newest_id'))) return;
    await queryRunner.query(`
      ALTER TABLE \`chat_sessions\`
        DROP COLUMN \`newest_seq\`,
        DROP COLUMN \`newest_id\``);
  }
}
