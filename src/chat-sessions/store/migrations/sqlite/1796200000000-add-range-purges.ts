import type { MigrationInterface, QueryRunner } from 'typeorm';

export class AddRangePurges1796200000000 implements MigrationInterface {
  /** Databases store this name: a bundler may give the class another one. */
  readonly name = 'AddRangePurges1796200000000';

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      CREATE TABLE "chat_range_purges" (
        "session_id" varchar(36) NOT NULL,
        "from_seq" integer NOT NULL,
        "to_seq" integer NOT NULL,
        "owner_id" varchar(191) NOT NULL,
        "blank_to" integer NOT NULL,
        "due_at" datetime(3) NOT NULL,
        CONSTRAINT "fk_chat_range_purges_session" FOREIGN KEY ("session_id") REFERENCES "chat_sessions" ("id") ON DELETE CASCADE ON UPDATE NO ACTION,
        CONSTRAINT "pk_chat_range_purges" PRIMARY KEY ("session_id", "from_seq")
      )`);
    await queryRunner.query(`
      CREATE INDEX "ix_chat_range_purges_due_at" ON "chat_range_purges" ("due_at")`);
  }

  /** Deletes the rows of deleted messages: nothing else tells them from others. */
  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      DELETE FROM "chat_messages" WHERE EXISTS (
        SELECT 1 FROM "chat_range_purges" gone
          WHERE gone.session_id = "chat_messages".session_id
            AND "chat_messages".seq BETWEEN gone.from_seq AND gone.to_seq)`);
    await queryRunner.query('DROP TABLE "chat_range_purges"');
  }
}
