import type { MigrationInterface, QueryRunner } from 'typeorm';
import {
  dropOwnTable,
  isOwnTable,
  refuseForeignTables,
} from '../own-tables.js';
import { changeSchema } from './change-schema.js';

export class AddForks1796400000000 implements MigrationInterface {
  /** Databases store this name: a bundler may give the class another one. */
  readonly name = 'AddForks1796400000000';

  async up(queryRunner: QueryRunner): Promise<void> {
    await refuseForeignTables(queryRunner, 'chat_forks');
    await changeSchema(
      queryRunner,
      `
      CREATE TABLE IF NOT EXISTS \`chat_forks\` (
        \`session_id\` varchar(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
        \`owner_id\` varchar(191) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
        \`due_at\` datetime(3) NOT NULL,
        CONSTRAINT \`pk_chat_forks\` PRIMARY KEY (\`session_id\`)
      ) ENGINE=InnoDB`,
    );
    if (await queryRunner.hasColumn('chat_sessions', 'forked_from')) return;
    await changeSchema(
      queryRunner,
      'ALTER TABLE `chat_sessions` ADD COLUMN `forked_from` longtext NULL, ALGORITHM=INSTANT',
    );
  }

  /** Forks that are not complete are removed. */
  async down(queryRunner: QueryRunner): Promise<void> {
    if (await isOwnTable(queryRunner, 'chat_forks')) {
      await queryRunner.query(
        "DELETE FROM `chat_sessions` WHERE `owner_id` = '' AND `id` IN (SELECT `session_id` FROM `chat_forks`)",
      );
      await dropOwnTable(queryRunner, 'chat_forks');
    }
    if (!(await queryRunner.hasColumn('chat_sessions', 'forked_from'))) return;
    await queryRunner.query(
      'ALTER TABLE `chat_sessions` DROP COLUMN `forked_from`',
    );
  }
}
