import { Column, Entity, PrimaryColumn } from 'typeorm';
import { asciiColumn, opaqueIdColumn, timeColumn } from './columns.js';

/** Messages of a session that nobody sees any more, up to a seq, and that wait for their removal. */
@Entity('chat_purges')
export class ChatPurge {
  @PrimaryColumn({
    ...asciiColumn,
    name: 'session_id',
    length: 36,
    primaryKeyConstraintName: 'pk_chat_purges',
  })
  sessionId: string;

  @PrimaryColumn({
    type: 'int',
    unsigned: true,
    name: 'last_seq',
    primaryKeyConstraintName: 'pk_chat_purges',
  })
  lastSeq: number;

  /** The owner of the messages. */
  @Column({ ...opaqueIdColumn, name: 'owner_id' })
  ownerId: string;

  @Column({ ...timeColumn, name: 'created_at' })
  createdAt: Date;
}
