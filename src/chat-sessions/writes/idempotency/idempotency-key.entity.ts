import { Column, Entity, Index, PrimaryColumn } from 'typeorm';
import {
  asciiColumn,
  jsonColumn,
  opaqueIdColumn,
  timeColumn,
} from '../../store/entities/columns.js';

/** The result of a write with an Idempotency-Key, stored in the write's own transaction. */
@Entity('idempotency_keys')
@Index('ix_idempotency_keys_created_at', ['createdAt'])
export class IdempotencyKey {
  @PrimaryColumn({
    ...opaqueIdColumn,
    name: 'owner_id',
    primaryKeyConstraintName: 'pk_idempotency_keys',
  })
  ownerId: string;

  @PrimaryColumn({
    ...asciiColumn,
    name: 'idempotency_key',
    length: 255,
    primaryKeyConstraintName: 'pk_idempotency_keys',
  })
  key: string;

  /** SHA-256 in hex of method, path and body. */
  @Column({ ...asciiColumn, name: 'request_hash', length: 64 })
  requestHash: string;

  @Column({ type: 'smallint', unsigned: true, name: 'status' })
  status: number;

  @Column({ ...asciiColumn, name: 'session_id', length: 36 })
  sessionId: string;

  @Column({ ...jsonColumn, name: 'message_ids' })
  messageIds: string[];

  @Column({ ...timeColumn, name: 'created_at' })
  createdAt: Date;
}
