import type { MigrationInterface, QueryRunner } from 'typeorm';
import { closeGaps } from '../close-gaps.js';

export class AddTrees1796100000000 implements MigrationInterface {
  /** Databases store this name: a bundler may give the class another one. */
  readonly name = 'AddTrees1796100000000';

  async up(queryRunner: QueryRunner): Promise<void> {
    for (const column of [
      '"first_seq" integer',
      '"leaf_seq" integer',
      '"deleted_count" integer NOT NULL DEFAULT (0)',
      '"tree_revision" varchar(12)',
      '"stretches" longtext',
    ]) {
      await queryRunner.query(
        `ALTER TABLE "chat_sessions" ADD COLUMN ${column}`,
      );
    }
    await queryRunner.query(
      'ALTER TABLE "chat_messages" ADD COLUMN "edited_at" datetime(3)',
    );
  }

  /** Sessions become lines again: their branches follow each other in order of arrival. */
  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(
      'ALTER TABLE "chat_messages" DROP COLUMN "edited_at"',
    );
    await closeGaps(queryRunner, async (from, to, distance, sessionId) => {
      // An UPDATE has no order here: a seq might be taken by the message after it.
      await queryRunner.query(
        'UPDATE "chat_messages" SET "seq" = -("seq" + ?) WHERE "session_id" = ? AND "seq" BETWEEN ? AND ?',
        [distance, sessionId, from, to],
      );
      await queryRunner.query(
        'UPDATE "chat_messages" SET "seq" = -"seq" WHERE "session_id" = ? AND "seq" < 0',
        [sessionId],
      );
    });
    for (const column of [
      'first_seq',
      'leaf_seq',
      'deleted_count',
      'tree_revision',
      'stretches',
    ]) {
      await queryRunner.query(
        `ALTER TABLE "chat_sessions" DROP COLUMN "${column}"`,
      );
    }
  }
}
