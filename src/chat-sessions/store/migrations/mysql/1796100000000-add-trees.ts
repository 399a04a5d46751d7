import type { MigrationInterface, QueryRunner } from 'typeorm';
import { closeGaps } from '../close-gaps.js';
import { changeSchema } from './change-schema.js';

/**
 * ALGORITHM=INSTANT makes the server refuse a statement rather than rebuild a
 * table. Instances of the version before leave the columns as they are.
 */
export class AddTrees1796100000000 implements MigrationInterface {
  /** Databases store this name: a bundler may give the class another one. */
  readonly name = 'AddTrees1796100000000';

  async up(queryRunner: QueryRunner): Promise<void> {
    if (!(await queryRunner.hasColumn('chat_sessions', 'stretches'))) {
      await changeSchema(
        queryRunner,
        `
        ALTER TABLE \`chat_sessions\`
          ADD COLUMN \`first_seq\` int unsigned NULL,
          ADD COLUMN \`leaf_seq\` int unsigned NULL,
          ADD COLUMN \`deleted_count\` int unsigned NOT NULL DEFAULT 0,
          ADD COLUMN \`tree_revision\` varchar(12) CHARACTER SET ascii COLLATE ascii_bin NULL,
          ADD COLUMN \`stretches\` longtext NULL,
          ALGORITHM=INSTANT`,
      );
    }
    if (!(await queryRunner.hasColumn('chat_messages', 'edited_at'))) {
      await changeSchema(
        queryRunner,
        `
        ALTER TABLE \`chat_messages\`
          ADD COLUMN \`edited_at\` datetime(3) NULL,
          ALGORITHM=INSTANT`,
      );
    }
  }

  /** Sessions become lines again: their branches follow each other in order of arrival. */
  async down(queryRunner: QueryRunner): Promise<void> {
    if (await queryRunner.hasColumn('chat_sessions', 'stretches')) {
      // Before the first ALTER TABLE, which commits: a break leaves all as it was.
      await closeGaps(queryRunner, (from, to, distance, sessionId) =>
        queryRunner.query(
          'UPDATE `chat_messages` SET `seq` = `seq` + ? WHERE `session_id` = ? AND `seq` BETWEEN ? AND ? ORDER BY `seq` DESC',
          [distance, sessionId, from, to],
        ),
      );
      await queryRunner.query(`
        ALTER TABLE \`chat_sessions\`
          DROP COLUMN \`first_seq\`,
          DROP COLUMN \`leaf_seq\`,
          DROP COLUMN \`deleted_count\`,
          DROP COLUMN \`tree_revision\`,
          DROP COLUMN \`stretches\``);
    }
    if (await queryRunner.hasColumn('chat_messages', 'edited_at')) {
      await queryRunner.query(
        'ALTER TABLE `chat_messages` DROP COLUMN `edited_at`',
      );
    }
  }
}
