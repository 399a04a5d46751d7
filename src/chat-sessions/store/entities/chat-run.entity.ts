import {
  Column,
  Entity,
  Index,
  JoinColumn,
  ManyToOne,
  PrimaryColumn,
} from 'typeorm';
import { ChatMessage } from './chat-message.entity.js';
import type { JsonObject } from './chat-session.entity.js';
import {
  asciiColumn,
  jsonColumn,
  opaqueIdColumn,
  timeColumn,
} from './columns.js';

export const RUN_STATUSES = [
  'active',
  'waiting',
  'ready',
  'completed',
  'failed',
  'cancelled',
  'expired',
] as const;
export type RunStatus = (typeof RUN_STATUSES)[number];

/** A question to the user of a run that waits. */
export interface Interrupt extends JsonObject {
  id: string;
  /** Missing until it was answered. */
  answer?: unknown;
}

/** What an answer has cost, as its provider reports it. */
export interface Usage {
  model: string | null;
  input_tokens: number;
  output_tokens: number;
  cached_tokens: number;
  reasoning_tokens: number;
  cost: number;
}

/**
 * An answer that is being written, or was, by one writer. While it is, its
 * session has its seq in `activeRunSeq`. A message that is deleted takes its run
 * with it.
 */
@Entity('chat_runs')
@Index('uq_chat_runs_id', ['sessionId', 'id'], { unique: true })
export class ChatRun {
  @PrimaryColumn({
    ...asciiColumn,
    name: 'session_id',
    length: 36,
    primaryKeyConstraintName: 'pk_chat_runs',
  })
  sessionId: string;

  /** The seq of the answer. */
  @PrimaryColumn({
    type: 'int',
    unsigned: true,
    name: 'seq',
    primaryKeyConstraintName: 'pk_chat_runs',
  })
  seq: number;

  /** Unique within its session. The client may choose it. */
  @Column({ ...opaqueIdColumn, name: 'id', length: 255 })
  id: string;

  @Column({ ...opaqueIdColumn, name: 'owner_id' })
  ownerId: string;

  /** The id of the answer. */
  @Column({ ...opaqueIdColumn, name: 'message_id', length: 255 })
  messageId: string;

  /** How many messages before the answer were stored with the run. */
  @Column({ type: 'int', unsigned: true, name: 'question_count' })
  questionCount: number;

  /** Unless it has ended: as the last write left it. It has expired once `leaseUntil` has passed. */
  @Column({ ...asciiColumn, name: 'status', length: 16 })
  status: RunStatus;

  /** Grows with each writer: an output with a smaller one comes from a writer that lost the run. */
  @Column({ type: 'int', unsigned: true, name: 'fence' })
  fence: number;

  @Column({ type: 'int', unsigned: true, name: 'lease_seconds' })
  leaseSeconds: number;

  /** Null while nobody writes. */
  @Column({ ...timeColumn, name: 'lease_until', nullable: true })
  leaseUntil: Date | null;

  /** The offset at which the next output starts: UTF-16 units of text, and 1 for each part. */
  @Column({ type: 'int', unsigned: true, name: 'end_offset' })
  endOffset: number;

  /** The last text, which is not in a chunk yet. JSON, since it may end in the middle of a surrogate pair. */
  @Column({ ...jsonColumn, name: 'tail' })
  tail: string;

  /** Bytes of the text, in UTF-8. */
  @Column({ type: 'int', unsigned: true, name: 'text_bytes' })
  textBytes: number;

  /** Bytes of the text and of the JSON of the parts. */
  @Column({ type: 'int', unsigned: true, name: 'bytes' })
  bytes: number;

  /** Parts of the answer: those that were sent, and one for each text. */
  @Column({ type: 'int', unsigned: true, name: 'part_count' })
  partCount: number;

  @Column({ ...jsonColumn, name: 'metadata' })
  metadata: JsonObject;

  /** Why it failed, as the writer says. */
  @Column({ ...jsonColumn, name: 'error', nullable: true })
  error: unknown;

  @Column({ ...jsonColumn, name: 'interrupts', nullable: true })
  interrupts: Interrupt[] | null;

  @Column({ ...jsonColumn, name: 'usage', nullable: true })
  usage: Usage | null;

  @Column({ ...timeColumn, name: 'started_at' })
  startedAt: Date;

  @Column({ ...timeColumn, name: 'ended_at', nullable: true })
  endedAt: Date | null;

  @ManyToOne(() => ChatMessage, { onDelete: 'CASCADE' })
  @JoinColumn([
    {
      name: 'session_id',
      referencedColumnName: 'sessionId',
      foreignKeyConstraintName: 'fk_chat_runs_message',
    },
    {
      name: 'seq',
      referencedColumnName: 'seq',
      foreignKeyConstraintName: 'fk_chat_runs_message',
    },
  ])
  message?: ChatMessage;
}
