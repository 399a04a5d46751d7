import type { MigrationInterface, QueryRunner } from 'typeorm';

export class AddRevisionsAndPurges1796000000000 implements MigrationInterface {
  /** Databases store this name: a bundler may give the class another one. */
  readonly name = 'AddRevisionsAndPurges1796000000000';

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      ALTER TABLE "chat_sessions"
        ADD COLUMN "revision" varchar(12) NOT NULL DEFAULT ('')`);
    await queryRunner.query(`
      CREATE TABLE "chat_purges" (
        "session_id" varchar(36) NOT NULL,
        "last_seq" integer NOT NULL,
        "owner_id" varchar(191) NOT NULL,
        "created_at" datetime(3) NOT NULL,
        CONSTRAINT "pk_chat_purges" PRIMARY KEY ("session_id", "last_seq")
      )`);
  }

  /** Removes what still waits for its removal: the version before would show some of it. */
  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      DELETE FROM "chat_messages" WHERE EXISTS (
        SELECT 1 FROM "chat_purges" gone
          WHERE gone.session_id = "chat_messages".session_id
            AND "chat_messages".seq <= gone.last_seq)`);
    await queryRunner.query(
      `DELETE FROM "chat_sessions" WHERE "owner_id" = ''`,
    );
    await queryRunner.query('DROP TABLE "chat_purges"');
    await queryRunner.query(
      'ALTER TABLE "chat_sessions" DROP COLUMN "revision"',
    );
  }
}
