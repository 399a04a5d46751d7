import type { MigrationInterface, QueryRunner } from 'typeorm';
import { foldOpenAnswers } from '../fold-open-answers.js';

export class AddRuns1796600000000 implements MigrationInterface {
  /** Databases store this name: a bundler may give the class another one. */
  readonly name = 'AddRuns1796600000000';

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      CREATE TABLE "chat_runs" (
        "session_id" varchar(36) NOT NULL,
        "seq" integer NOT NULL,
        "id" varchar(255) NOT NULL,
        "owner_id" varchar(191) NOT NULL,
        "message_id" varchar(255) NOT NULL,
        "question_count" integer NOT NULL,
        "status" varchar(16) NOT NULL,
        "fence" integer NOT NULL,
        "lease_seconds" integer NOT NULL,
        "lease_until" datetime(3),
        "end_offset" integer NOT NULL,
        "tail" longtext NOT NULL,
        "text_bytes" integer NOT NULL,
        "bytes" integer NOT NULL,
        "part_count" integer NOT NULL,
        "metadata" longtext NOT NULL,
        "error" longtext,
        "interrupts" longtext,
        "usage" longtext,
        "started_at" datetime(3) NOT NULL,
        "ended_at" datetime(3),
        CONSTRAINT "fk_chat_runs_message" FOREIGN KEY ("session_id", "seq") REFERENCES "chat_messages" ("session_id", "seq") ON DELETE CASCADE ON UPDATE NO ACTION,
        CONSTRAINT "pk_chat_runs" PRIMARY KEY ("session_id", "seq")
      )`);
    await queryRunner.query(
      'CREATE UNIQUE INDEX "uq_chat_runs_id" ON "chat_runs" ("session_id", "id")',
    );
    await queryRunner.query(`
      CREATE TABLE "chat_message_chunks" (
        "session_id" varchar(36) NOT NULL,
        "seq" integer NOT NULL,
        "start_offset" integer NOT NULL,
        "owner_id" varchar(191) NOT NULL,
        "content" longtext NOT NULL,
        CONSTRAINT "fk_chat_message_chunks_run" FOREIGN KEY ("session_id", "seq") REFERENCES "chat_runs" ("session_id", "seq") ON DELETE CASCADE ON UPDATE NO ACTION,
        CONSTRAINT "pk_chat_message_chunks" PRIMARY KEY ("session_id", "seq", "start_offset")
      )`);
    await queryRunner.query(`
      CREATE TABLE "chat_usage" (
        "owner_id" varchar(191) NOT NULL,
        "day" varchar(10) NOT NULL,
        "id" varchar(36) NOT NULL,
        "session_id" varchar(36) NOT NULL,
        "model" varchar(191) NOT NULL,
        "input_tokens" bigint NOT NULL,
        "output_tokens" bigint NOT NULL,
        "cached_tokens" bigint NOT NULL,
        "reasoning_tokens" bigint NOT NULL,
        "cost_nanos" bigint NOT NULL,
        CONSTRAINT "pk_chat_usage" PRIMARY KEY ("owner_id", "day", "id")
      )`);
    for (const column of [
      '"chat_messages" ADD COLUMN "status" varchar(16)',
      '"chat_sessions" ADD COLUMN "active_run_seq" integer',
      '"chat_sessions" ADD COLUMN "usage" longtext',
    ]) {
      await queryRunner.query(`ALTER TABLE ${column}`);
    }
  }

  /** Answers that are being written keep what is written so far. */
  async down(queryRunner: QueryRunner): Promise<void> {
    await foldOpenAnswers(queryRunner);
    for (const table of ['chat_message_chunks', 'chat_runs', 'chat_usage']) {
      await queryRunner.query(`DROP TABLE "${table}"`);
    }
    for (const column of [
      '"chat_messages" DROP COLUMN "status"',
      '"chat_sessions" DROP COLUMN "active_run_seq"',
      '"chat_sessions" DROP COLUMN "usage"',
    ]) {
      await queryRunner.query(`ALTER TABLE ${column}`);
    }
  }
}
