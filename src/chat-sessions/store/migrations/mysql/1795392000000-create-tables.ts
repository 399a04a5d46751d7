import type { MigrationInterface, QueryRunner } from 'typeorm';
import { dropOwnTable, refuseForeignTables } from '../own-tables.js';

const TABLE_OPTIONS =
  'ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci';

/** Ids of ours are ascii_bin; ids of others utf8mb4_bin, under which `Alice` and `alice` are two. */
export class CreateTables1795392000000 implements MigrationInterface {
  /** Databases store this name: a bundler may give the class another one. */
  readonly name = 'CreateTables1795392000000';

  async up(queryRunner: QueryRunner): Promise<void> {
    await refuseForeignTables(
      queryRunner,
      'chat_sessions',
      'chat_messages',
      'idempotency_keys',
    );
    await queryRunner.query(`
      CREATE TABLE IF NOT EXISTS \`chat_sessions\` (
        \`owner_id\` varchar(191) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
        \`id\` varchar(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
        \`title\` varchar(200) NULL,
        \`document_id\` varchar(191) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NULL,
        \`section_id\` varchar(191) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NULL,
        \`context_documents\` longtext NOT NULL,
        \`config\` longtext NOT NULL,
        \`metadata\` longtext NOT NULL,
        \`pinned\` tinyint(1) NOT NULL,
        \`archived\` tinyint(1) NOT NULL,
        \`message_count\` int unsigned NOT NULL,
        \`last_seq\` int unsigned NOT NULL,
        \`max_message_bytes\` int unsigned NOT NULL,
        \`preview\` varchar(160) NULL,
        \`last_message_at\` datetime(3) NULL,
        \`last_activity_at\` datetime(3) NOT NULL,
        \`version\` int unsigned NOT NULL,
        \`created_at\` datetime(3) NOT NULL,
        \`updated_at\` datetime(3) NOT NULL,
        PRIMARY KEY (\`owner_id\`, \`id\`),
        UNIQUE INDEX \`uq_chat_sessions_id\` (\`id\`),
        UNIQUE INDEX \`uq_chat_sessions_section\` (\`owner_id\`, \`document_id\`, \`section_id\`),
        INDEX \`ix_chat_sessions_activity\` (\`owner_id\`, \`archived\`, \`last_activity_at\`, \`id\`),
        INDEX \`ix_chat_sessions_document\` (\`owner_id\`, \`document_id\`, \`archived\`, \`last_activity_at\`, \`id\`)
      ) ${TABLE_OPTIONS}`);
    await queryRunner.query(`
      CREATE TABLE IF NOT EXISTS \`chat_messages\` (
        \`session_id\` varchar(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
        \`seq\` int unsigned NOT NULL,
        \`id\` varchar(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
        \`owner_id\` varchar(191) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
        \`role\` varchar(16) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
        \`content\` longtext NOT NULL,
        \`parts\` longtext NULL,
        \`references\` longtext NOT NULL,
        \`metadata\` longtext NOT NULL,
        \`bytes\` int unsigned NOT NULL,
        \`created_at\` datetime(3) NOT NULL,
        PRIMARY KEY (\`session_id\`, \`seq\`),
        UNIQUE INDEX \`uq_chat_messages_id\` (\`session_id\`, \`id\`),
        CONSTRAINT \`fk_chat_messages_session\` FOREIGN KEY (\`session_id\`)
          REFERENCES \`chat_sessions\` (\`id\`) ON DELETE CASCADE ON UPDATE NO ACTION
      ) ${TABLE_OPTIONS}`);
    await queryRunner.query(`
      CREATE TABLE IF NOT EXISTS \`idempotency_keys\` (
        \`owner_id\` varchar(191) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
        \`idempotency_key\` varchar(255) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
        \`request_hash\` varchar(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
        \`status\` smallint unsigned NOT NULL,
        \`session_id\` varchar(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
        \`message_ids\` longtext NOT NULL,
        \`created_at\` datetime(3) NOT NULL,
        PRIMARY KEY (\`owner_id\`, \`idempotency_key\`),
        INDEX \`ix_idempotency_keys_created_at\` (\`created_at\`)
      ) ${TABLE_OPTIONS}`);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await dropOwnTable(queryRunner, 'idempotency_keys');
    await dropOwnTable(queryRunner, 'chat_messages');
    await dropOwnTable(queryRunner, 'chat_sessions');
  }
}
