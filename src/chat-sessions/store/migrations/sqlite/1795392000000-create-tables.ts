import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * Types are the names of the entities' types, which SQLite takes as they are; it
 * compares text byte for byte. TypeORM finds a foreign key by this very text.
 */
export class CreateTables1795392000000 implements MigrationInterface {
  /** Databases store this name: a bundler may give the class another one. */
  readonly name = 'CreateTables1795392000000';

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      CREATE TABLE "chat_sessions" (
        "owner_id" varchar(191) NOT NULL,
        "id" varchar(36) NOT NULL,
        "title" varchar(200),
        "document_id" varchar(191),
        "section_id" varchar(191),
        "context_documents" longtext NOT NULL,
        "config" longtext NOT NULL,
        "metadata" longtext NOT NULL,
        "pinned" boolean NOT NULL,
        "archived" boolean NOT NULL,
        "message_count" integer NOT NULL,
        "last_seq" integer NOT NULL,
        "max_message_bytes" integer NOT NULL,
        "preview" varchar(160),
        "last_message_at" datetime(3),
        "last_activity_at" datetime(3) NOT NULL,
        "version" integer NOT NULL,
        "created_at" datetime(3) NOT NULL,
        "updated_at" datetime(3) NOT NULL,
        CONSTRAINT "pk_chat_sessions" PRIMARY KEY ("owner_id", "id")
      )`);
    await queryRunner.query(`
      CREATE UNIQUE INDEX "uq_chat_sessions_id" ON "chat_sessions" ("id")`);
    await queryRunner.query(`
      CREATE UNIQUE INDEX "uq_chat_sessions_section"
        ON "chat_sessions" ("owner_id", "document_id", "section_id")`);
    await queryRunner.query(`
      CREATE INDEX "ix_chat_sessions_activity"
        ON "chat_sessions" ("owner_id", "archived", "last_activity_at", "id")`);
    await queryRunner.query(`
      CREATE INDEX "ix_chat_sessions_document"
        ON "chat_sessions" ("owner_id", "document_id", "archived", "last_activity_at", "id")`);
    await queryRunner.query(`
      CREATE TABLE "chat_messages" (
        "session_id" varchar(36) NOT NULL,
        "seq" integer NOT NULL,
        "id" varchar(64) NOT NULL,
        "owner_id" varchar(191) NOT NULL,
        "role" varchar(16) NOT NULL,
        "content" longtext NOT NULL,
        "parts" longtext,
        "references" longtext NOT NULL,
        "metadata" longtext NOT NULL,
        "bytes" integer NOT NULL,
        "created_at" datetime(3) NOT NULL,
        CONSTRAINT "fk_chat_messages_session" FOREIGN KEY ("session_id") REFERENCES "chat_sessions" ("id") ON DELETE CASCADE ON UPDATE NO ACTION,
        CONSTRAINT "pk_chat_messages" PRIMARY KEY ("session_id", "seq")
      )`);
    await queryRunner.query(`
      CREATE UNIQUE INDEX "uq_chat_messages_id"
        ON "chat_messages" ("session_id", "id")`);
    await queryRunner.query(`
      CREATE TABLE "idempotency_keys" (
        "owner_id" varchar(191) NOT NULL,
        "idempotency_key" varchar(255) NOT NULL,
        "request_hash" varchar(64) NOT NULL,
        "status" smallint NOT NULL,
        "session_id" varchar(36) NOT NULL,
        "message_ids" longtext NOT NULL,
        "created_at" datetime(3) NOT NULL,
        CONSTRAINT "pk_idempotency_keys" PRIMARY KEY ("owner_id", "idempotency_key")
      )`);
    await queryRunner.query(`
      CREATE INDEX "ix_idempotency_keys_created_at"
        ON "idempotency_keys" ("created_at")`);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query('DROP TABLE "idempotency_keys"');
    await queryRunner.query('DROP TABLE "chat_messages"');
    await queryRunner.query('DROP TABLE "chat_sessions"');
  }
}
