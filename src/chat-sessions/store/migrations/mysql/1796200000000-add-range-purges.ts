import type { MigrationInterface, QueryRunner } from 'typeorm';
import {
  dropOwnTable,
  isOwnTable,
  refuseForeignTables,
} from '../own-tables.js';
import { changeSchema } from './change-schema.js';

export class AddRangePurges1796200000000 implements MigrationInterface {
  /** Databases store this name: a bundler may give the class another one. */
  readonly name = 'AddRangePurges1796200000000';

  async up(queryRunner: QueryRunner): Promise<void> {
    await refuseForeignTables(queryRunner, 'chat_range_purges');
    await changeSchema(
      queryRunner,
      `
      CREATE TABLE IF NOT EXISTS \`chat_range_purges\` (
        \`session_id\` varchar(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
        \`from_seq\` int unsigned NOT NULL,
        \`to_seq\` int unsigned NOT NULL,
        \`owner_id\` varchar(191) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
        \`blank_to\` int unsigned NOT NULL,
        \`due_at\` datetime(3) NOT NULL,
        PRIMARY KEY (\`session_id\`, \`from_seq\`),
        INDEX \`ix_chat_range_purges_due_at\` (\`due_at\`),
        CONSTRAINT \`fk_chat_range_purges_session\` FOREIGN KEY (\`session_id\`)
          REFERENCES \`chat_sessions\` (\`id\`) ON DELETE CASCADE ON UPDATE NO ACTION
      ) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci`,
    );
  }

  /** Deletes the rows of deleted messages: nothing else tells them from others. */
  async down(queryRunner: QueryRunner): Promise<void> {
    if (await isOwnTable(queryRunner, 'chat_range_purges')) {
      await queryRunner.query(`
        DELETE message FROM \`chat_messages\` message
          JOIN \`chat_range_purges\` gone
            ON gone.session_id = message.session_id
              AND message.seq BETWEEN gone.from_seq AND gone.to_seq`);
    }
    await dropOwnTable(queryRunner, 'chat_range_purges');
  }
}
