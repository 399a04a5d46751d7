import type { MigrationInterface, QueryRunner } from 'typeorm';
import { foldOpenAnswers } from '../fold-open-answers.js';
import {
  dropOwnTable,
  isOwnTable,
  refuseForeignTables,
} from '../own-tables.js';
import { changeSchema } from './change-schema.js';

const OWNER =
  '`owner_id` varchar(191) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL';
const SESSION =
  '`session_id` varchar(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL';
const TABLE =
  'ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci';

/** In the order in which they refer to each other. */
const TABLES = {
  chat_runs: `
    ${SESSION},
    \`seq\` int unsigned NOT NULL,
    \`id\` varchar(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    ${OWNER},
    \`message_id\` varchar(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    \`question_count\` int unsigned NOT NULL,
    \`status\` varchar(16) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    \`fence\` int unsigned NOT NULL,
    \`lease_seconds\` int unsigned NOT NULL,
    \`lease_until\` datetime(3) NULL,
    \`end_offset\` int unsigned NOT NULL,
    \`tail\` longtext NOT NULL,
    \`text_bytes\` int unsigned NOT NULL,
    \`bytes\` int unsigned NOT NULL,
    \`part_count\` int unsigned NOT NULL,
    \`metadata\` longtext NOT NULL,
    \`error\` longtext NULL,
    \`interrupts\` longtext NULL,
    \`usage\` longtext NULL,
    \`started_at\` datetime(3) NOT NULL,
    \`ended_at\` datetime(3) NULL,
    PRIMARY KEY (\`session_id\`, \`seq\`),
    UNIQUE INDEX \`uq_chat_runs_id\` (\`session_id\`, \`id\`),
    CONSTRAINT \`fk_chat_runs_message\` FOREIGN KEY (\`session_id\`, \`seq\`)
      REFERENCES \`chat_messages\` (\`session_id\`, \`seq\`) ON DELETE CASCADE ON UPDATE NO ACTION`,
  chat_message_chunks: `
    ${SESSION},
    \`seq\` int unsigned NOT NULL,
    \`start_offset\` int unsigned NOT NULL,
    ${OWNER},
    \`content\` longtext NOT NULL,
    PRIMARY KEY (\`session_id\`, \`seq\`, \`start_offset\`),
    CONSTRAINT \`fk_chat_message_chunks_run\` FOREIGN KEY (\`session_id\`, \`seq\`)
      REFERENCES \`chat_runs\` (\`session_id\`, \`seq\`) ON DELETE CASCADE ON UPDATE NO ACTION`,
  chat_usage: `
    ${OWNER},
    \`day\` varchar(10) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    \`id\` varchar(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    ${SESSION},
    \`model\` varchar(191) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    \`input_tokens\` bigint NOT NULL,
    \`output_tokens\` bigint NOT NULL,
    \`cached_tokens\` bigint NOT NULL,
    \`reasoning_tokens\` bigint NOT NULL,
    \`cost_nanos\` bigint NOT NULL,
    PRIMARY KEY (\`owner_id\`, \`day\`, \`id\`)`,
};

/** ALGORITHM=INSTANT makes the server refuse a statement rather than rebuild the table. */
export class AddRuns1796600000000 implements MigrationInterface {
  /** Databases store this name: a bundler may give the class another one. */
  readonly name = 'AddRuns1796600000000';

  async up(queryRunner: QueryRunner): Promise<void> {
    await refuseForeignTables(
      queryRunner,
      'chat_runs',
      'chat_message_chunks',
      'chat_usage',
    );
    for (const [name, columns] of Object.entries(TABLES)) {
      await changeSchema(
        queryRunner,
        `CREATE TABLE IF NOT EXISTS \`${name}\` (${columns}) ${TABLE}`,
      );
    }
    if (!(await queryRunner.hasColumn('chat_messages', 'status'))) {
      await changeSchema(
        queryRunner,
        'ALTER TABLE `chat_messages` ADD COLUMN `status` varchar(16) CHARACTER SET ascii COLLATE ascii_bin NULL, ALGORITHM=INSTANT',
      );
    }
    if (!(await queryRunner.hasColumn('chat_sessions', 'active_run_seq'))) {
      await changeSchema(
        queryRunner,
        `
        ALTER TABLE \`chat_sessions\`
          ADD COLUMN \`active_run_seq\` int unsigned NULL,
          ADD COLUMN \`usage\` longtext NULL,
          ALGORITHM=INSTANT`,
      );
    }
  }

  /** Answers that are being written keep what is written so far. */
  async down(queryRunner: QueryRunner): Promise<void> {
    const isWhole =
      (await isOwnTable(queryRunner, 'chat_runs')) &&
      (await isOwnTable(queryRunner, 'chat_message_chunks'));
    // Otherwise it was done before this was killed: the chunks are dropped after it.
    if (isWhole) await foldOpenAnswers(queryRunner);
    await dropOwnTable(queryRunner, 'chat_message_chunks');
    await dropOwnTable(queryRunner, 'chat_runs');
    await dropOwnTable(queryRunner, 'chat_usage');
    if (await queryRunner.hasColumn('chat_messages', 'status')) {
      await queryRunner.query(
        'ALTER TABLE `chat_messages` DROP COLUMN `status`',
      );
    }
    if (await queryRunner.hasColumn('chat_sessions', 'active_run_seq')) {
      await queryRunner.query(
        'ALTER TABLE `chat_sessions` DROP COLUMN `active_run_seq`, DROP COLUMN `usage`',
      );
    }
  }
}
