import { Column, Entity, JoinColumn, ManyToOne, PrimaryColumn } from 'typeorm';
import { ChatRun } from './chat-run.entity.js';
import type { JsonObject } from './chat-session.entity.js';
import { asciiColumn, jsonColumn, opaqueIdColumn } from './columns.js';

/** A piece of an answer that is being written. When its run ends, the pieces become the message, and are deleted. */
@Entity('chat_message_chunks')
export class ChatMessageChunk {
  @PrimaryColumn({
    ...asciiColumn,
    name: 'session_id',
    length: 36,
    primaryKeyConstraintName: 'pk_chat_message_chunks',
  })
  sessionId: string;

  /** The seq of the answer. */
  @PrimaryColumn({
    type: 'int',
    unsigned: true,
    name: 'seq',
    primaryKeyConstraintName: 'pk_chat_message_chunks',
  })
  seq: number;

  /** Where it starts in the answer (see `ChatRun.endOffset`). */
  @PrimaryColumn({
    type: 'int',
    unsigned: true,
    name: 'start_offset',
    primaryKeyConstraintName: 'pk_chat_message_chunks',
  })
  startOffset: number;

  @Column({ ...opaqueIdColumn, name: 'owner_id' })
  ownerId: string;

  /** A text, or parts. JSON, since a text may begin or end in the middle of a surrogate pair. */
  @Column({ ...jsonColumn, name: 'content' })
  content: string | JsonObject[];

  @ManyToOne(() => ChatRun, { onDelete: 'CASCADE' })
  @JoinColumn([
    {
      name: 'session_id',
      referencedColumnName: 'sessionId',
      foreignKeyConstraintName: 'fk_chat_message_chunks_run',
    },
    {
      name: 'seq',
      referencedColumnName: 'seq',
      foreignKeyConstraintName: 'fk_chat_message_chunks_run',
    },
  ])
  run?: ChatRun;
}
