import type { MigrationInterface, QueryRunner } from 'typeorm';
import {
  dropOwnTable,
  isOwnTable,
  refuseForeignTables,
} from '../own-tables.js';
import { changeSchema } from './change-schema.js';

/**
 * `revision` needs no rebuild of the table: ALGORITHM=INSTANT makes MySQL refuse
 * the statement rather than do one. Instances of the version before leave the
 * column as it is.
 */
export class AddRevisionsAndPurges1796000000000 implements MigrationInterface {
  /** Databases store this name: a bundler may give the class another one. */
  readonly name = 'AddRevisionsAndPurges1796000000000';

  async up(queryRunner: QueryRunner): Promise<void> {
    await refuseForeignTables(queryRunner, 'chat_purges');
    if (!(await queryRunner.hasColumn('chat_sessions', 'revision'))) {
      await changeSchema(
        queryRunner,
        `
        ALTER TABLE \`chat_sessions\`
          ADD COLUMN \`revision\` varchar(12) CHARACTER SET ascii COLLATE ascii_bin NOT NULL DEFAULT '',
          ALGORITHM=INSTANT`,
      );
    }
    await changeSchema(
      queryRunner,
      `
      CREATE TABLE IF NOT EXISTS \`chat_purges\` (
        \`session_id\` varchar(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
        \`last_seq\` int unsigned NOT NULL,
        \`owner_id\` varchar(191) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
        \`created_at\` datetime(3) NOT NULL,
        PRIMARY KEY (\`session_id\`, \`last_seq\`)
      ) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci`,
    );
  }

  /** Removes what still waits for its removal: the version before would show some of it. */
  async down(queryRunner: QueryRunner): Promise<void> {
    if (await isOwnTable(queryRunner, 'chat_purges')) {
      await queryRunner.query(`
        DELETE message FROM \`chat_messages\` message
          JOIN \`chat_purges\` gone
            ON gone.session_id = message.session_id AND message.seq <= gone.last_seq`);
      await queryRunner.query(
        "DELETE FROM `chat_sessions` WHERE `owner_id` = ''",
      );
    }
    await dropOwnTable(queryRunner, 'chat_purges');
    if (await queryRunner.hasColumn('chat_sessions', 'revision')) {
      await queryRunner.query(
        'ALTER TABLE `chat_sessions` DROP COLUMN `revision`',
      );
    }
  }
}
