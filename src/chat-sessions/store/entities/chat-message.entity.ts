import {
  Column,
  Entity,
  Index,
  JoinColumn,
  ManyToOne,
  PrimaryColumn,
} from 'typeorm';
import { ChatSession, type JsonObject } from './chat-session.entity.js';
import {
  asciiColumn,
  jsonColumn,
  opaqueIdColumn,
  timeColumn,
} from './columns.js';

export const MESSAGE_ROLES = [
  'system',
  'developer',
  'user',
  'assistant',
  'tool',
] as const;
export type MessageRole = (typeof MESSAGE_ROLES)[number];

/** One message. On InnoDB the primary key (session, seq) clusters a conversation in reading order. */
@Entity('chat_messages')
@Index('uq_chat_messages_id', ['sessionId', 'idKey'], { unique: true })
export class ChatMessage {
  @PrimaryColumn({
    ...asciiColumn,
    name: 'session_id',
    length: 36,
    primaryKeyConstraintName: 'pk_chat_messages',
  })
  sessionId: string;

  /** 1, 2, 3 ... within the session: the order of messages, and the cursor of pages. */
  @PrimaryColumn({
    type: 'int',
    unsigned: true,
    name: 'seq',
    primaryKeyConstraintName: 'pk_chat_messages',
  })
  seq: number;

  /** Unique within its session. The client may choose it. Stored in the two columns that follow (see `message-ids.ts`). */
  id: string;

  @Column({ ...asciiColumn, name: 'id', length: 64, select: false })
  idKey: string;

  @Column({
    ...opaqueIdColumn,
    name: 'long_id',
    length: 255,
    nullable: true,
    select: false,
  })
  longId: string | null;

  /** The session's owner, repeated so that both tables can be sharded by it. */
  @Column({ ...opaqueIdColumn, name: 'owner_id' })
  ownerId: string;

  @Column({ ...asciiColumn, name: 'role', length: 16 })
  role: MessageRole;

  @Column({ type: 'longtext', name: 'content' })
  content: string;

  @Column({ ...jsonColumn, name: 'parts', nullable: true })
  parts: JsonObject[] | null;

  @Column({ ...jsonColumn, name: 'references' })
  references: JsonObject[];

  @Column({ ...jsonColumn, name: 'metadata' })
  metadata: JsonObject;

  /** `open`: it is being written. `partial`: the writing ended before it was complete. Null: it is complete. */
  @Column({ ...asciiColumn, name: 'status', length: 16, nullable: true })
  status: 'open' | 'partial' | null;

  /** Bytes of the message in a response. */
  @Column({ type: 'int', unsigned: true, name: 'bytes' })
  bytes: number;

  @Column({ ...timeColumn, name: 'created_at' })
  createdAt: Date;

  /** When it was changed last; null if it was not. */
  @Column({ ...timeColumn, name: 'edited_at', nullable: true })
  editedAt: Date | null;

  @ManyToOne(() => ChatSession, { onDelete: 'CASCADE' })
  @JoinColumn({
    name: 'session_id',
    referencedColumnName: 'id',
    foreignKeyConstraintName: 'fk_chat_messages_session',
  })
  session?: ChatSession;
}
