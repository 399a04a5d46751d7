import { Column, Entity, PrimaryColumn } from 'typeorm';
import { asciiColumn, opaqueIdColumn, timeColumn } from './columns.js';

/**
 * A fork whose messages are being copied: its session has no owner yet. It is not
 * in `ChatPurge`, whose messages an instance of the version before removes.
 */
@Entity('chat_forks')
export class ChatFork {
  @PrimaryColumn({
    ...asciiColumn,
    name: 'session_id',
    length: 36,
    primaryKeyConstraintName: 'pk_chat_forks',
  })
  sessionId: string;

  /** The owner of the messages. */
  @Column({ ...opaqueIdColumn, name: 'owner_id' })
  ownerId: string;

  /** When it has failed if it is not complete. */
  @Column({ ...timeColumn, name: 'due_at' })
  dueAt: Date;
}
