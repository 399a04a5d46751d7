import type { QueryRunner } from 'typeorm';
import { parseStretches } from '../../tree/stored-tree.js';
import { lengthOf } from '../../tree/tree.js';

/** Adds `distance` to the seqs of a session from one to another. */
type Shift = (
  from: number,
  to: number,
  distance: number,
  sessionId: string,
) => Promise<unknown>;

interface Row {
  id: string;
  last_seq: number;
  message_count: number;
  deleted_count: number;
  stretches: string;
}

/** Sessions that are read at once. */
const BATCH = 100;

/**
 * Makes the seqs of sessions with deleted messages follow each other: the version
 * before counts on that. The last one stays `last_seq`, which no new message gets.
 */
export async function closeGaps(
  queryRunner: QueryRunner,
  shift: Shift,
): Promise<void> {
  for (;;) {
    // Sessions that the version before has cleared since have no gaps.
    const rows = (await queryRunner.query(
      `SELECT id, last_seq, message_count, deleted_count, stretches FROM chat_sessions
        WHERE deleted_count > 0 AND first_seq = last_seq - message_count + 1
        LIMIT ${BATCH}`,
    )) as Row[];
    for (const row of rows) await closeGapsOf(queryRunner, row, shift);
    if (rows.length < BATCH) return;
  }
}

async function closeGapsOf(
  queryRunner: QueryRunner,
  { id, last_seq, message_count, deleted_count, stretches }: Row,
  shift: Shift,
): Promise<void> {
  const stored = parseStretches(stretches);
  if (!stored) throw new Error(`The chat session ${id} has a damaged tree`);
  // Newer messages were appended.
  const newer = { from: stored.lastSeq + 1, to: last_seq };
  let end = last_seq;
  for (const range of [...stored.stretches, newer].toReversed()) {
    const distance = end - range.to;
    if (distance > 0) await shift(range.from, range.to, distance, id);
    end -= lengthOf(range);
  }
  await queryRunner.query(
    'UPDATE chat_sessions SET message_count = ?, deleted_count = 0 WHERE id = ?',
    [message_count - deleted_count, id],
  );
}
