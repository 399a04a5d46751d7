import { Column, Entity, PrimaryColumn } from 'typeorm';
import { asciiColumn, opaqueIdColumn } from './columns.js';

/**
 * What one run has cost. It stays when its session is deleted: the tokens are
 * spent. The primary key clusters the days of an owner, so that a sum reads
 * neighbouring rows.
 */
@Entity('chat_usage')
export class ChatUsage {
  @PrimaryColumn({
    ...opaqueIdColumn,
    name: 'owner_id',
    primaryKeyConstraintName: 'pk_chat_usage',
  })
  ownerId: string;

  /** `YYYY-MM-DD`, in UTC. */
  @PrimaryColumn({
    ...asciiColumn,
    name: 'day',
    length: 10,
    primaryKeyConstraintName: 'pk_chat_usage',
  })
  day: string;

  /** A UUID: a session that was deleted and created again uses its seqs again. */
  @PrimaryColumn({
    ...asciiColumn,
    name: 'id',
    length: 36,
    primaryKeyConstraintName: 'pk_chat_usage',
  })
  id: string;

  @Column({ ...asciiColumn, name: 'session_id', length: 36 })
  sessionId: string;

  /** Empty if the writer named none. */
  @Column({ ...opaqueIdColumn, name: 'model' })
  model: string;

  @Column({ type: 'bigint', name: 'input_tokens' })
  inputTokens: number;

  @Column({ type: 'bigint', name: 'output_tokens' })
  outputTokens: number;

  @Column({ type: 'bigint', name: 'cached_tokens' })
  cachedTokens: number;

  @Column({ type: 'bigint', name: 'reasoning_tokens' })
  reasoningTokens: number;

  /** Billionths of the currency: sums of whole numbers are exact. */
  @Column({ type: 'bigint', name: 'cost_nanos' })
  costNanos: number;
}
