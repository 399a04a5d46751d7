import type { MigrationInterface, QueryRunner } from 'typeorm';
import { refuseWideValues } from '../refuse-wide-values.js';
import { changeSchema } from './change-schema.js';

/**
 * ALGORITHM makes the server refuse a statement rather than copy a table.
 * Instances of the version before leave `long_id` as it is, and show the key in
 * `id` instead.
 */
export class WidenLimits1796300000000 implements MigrationInterface {
  /** Databases store this name: a bundler may give the class another one. */
  readonly name = 'WidenLimits1796300000000';

  async up(queryRunner: QueryRunner): Promise<void> {
    if (!(await queryRunner.hasColumn('chat_messages', 'long_id'))) {
      await changeSchema(
        queryRunner,
        `
        ALTER TABLE \`chat_messages\`
          ADD COLUMN \`long_id\` varchar(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NULL,
          ALGORITHM=INSTANT`,
      );
    }
    await changeSchema(
      queryRunner,
      `
      ALTER TABLE \`chat_sessions\`
        MODIFY COLUMN \`title\` varchar(255) NULL,
        ALGORITHM=INPLACE, LOCK=NONE`,
    );
  }

  /** `title` stays wide: to narrow it the server copies the table, and stops writes meanwhile. The version before has its own limit. */
  async down(queryRunner: QueryRunner): Promise<void> {
    if (!(await queryRunner.hasColumn('chat_messages', 'long_id'))) return;
    await refuseWideValues(queryRunner);
    await queryRunner.query(
      'ALTER TABLE `chat_messages` DROP COLUMN `long_id`',
    );
  }
}
