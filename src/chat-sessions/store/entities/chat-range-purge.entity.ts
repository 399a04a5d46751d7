import {
  Column,
  Entity,
  Index,
  JoinColumn,
  ManyToOne,
  PrimaryColumn,
} from 'typeorm';
import { ChatSession } from './chat-session.entity.js';
import { asciiColumn, opaqueIdColumn, timeColumn } from './columns.js';

/**
 * Messages that were deleted inside a session, from one seq to another, and whose
 * rows are still there: first they are blanked, later deleted. Each range has at
 * least one message, so there are never more ranges than hidden messages.
 */
@Entity('chat_range_purges')
@Index('ix_chat_range_purges_due_at', ['dueAt'])
export class ChatRangePurge {
  @PrimaryColumn({
    ...asciiColumn,
    name: 'session_id',
    length: 36,
    primaryKeyConstraintName: 'pk_chat_range_purges',
  })
  sessionId: string;

  @PrimaryColumn({
    type: 'int',
    unsigned: true,
    name: 'from_seq',
    primaryKeyConstraintName: 'pk_chat_range_purges',
  })
  fromSeq: number;

  @Column({ type: 'int', unsigned: true, name: 'to_seq' })
  toSeq: number;

  /** The owner of the messages. */
  @Column({ ...opaqueIdColumn, name: 'owner_id' })
  ownerId: string;

  /** The last seq whose row is blank; `fromSeq - 1` if none is. */
  @Column({ type: 'int', unsigned: true, name: 'blank_to' })
  blankTo: number;

  /** When the rows are to be blanked; once they are blank, when they are to be deleted. */
  @Column({ ...timeColumn, name: 'due_at' })
  dueAt: Date;

  /** A session that is deleted, by whatever version, takes its ranges with it. */
  @ManyToOne(() => ChatSession, { onDelete: 'CASCADE' })
  @JoinColumn({
    name: 'session_id',
    referencedColumnName: 'id',
    foreignKeyConstraintName: 'fk_chat_range_purges_session',
  })
  session?: ChatSession;
}
