import { Column, Entity, Index, PrimaryColumn } from 'typeorm';
import {
  asciiColumn,
  jsonColumn,
  opaqueIdColumn,
  timeColumn,
} from './columns.js';

/** An object with arbitrary content. */
export type JsonObject = Record<string, unknown>;

/** The session that another one was copied from, and the last message that was copied: null if there was none. */
export interface ForkedFrom {
  session_id: string;
  message_id: string | null;
}

/** The usage of several runs. */
export interface UsageSums {
  runs: number;
  input_tokens: number;
  output_tokens: number;
  cached_tokens: number;
  reasoning_tokens: number;
  /** In the currency of the writers, to nine decimals. */
  cost: number;
}

/**
 * One conversation of one owner. On InnoDB the primary key (owner, id) clusters
 * the sessions of an owner, so that a list reads neighbouring rows.
 */
@Entity('chat_sessions')
@Index('uq_chat_sessions_id', ['id'], { unique: true })
@Index('uq_chat_sessions_section', ['ownerId', 'documentId', 'sectionId'], {
  unique: true,
})
@Index('ix_chat_sessions_activity', [
  'ownerId',
  'archived',
  'lastActivityAt',
  'id',
])
@Index('ix_chat_sessions_document', [
  'ownerId',
  'documentId',
  'archived',
  'lastActivityAt',
  'id',
])
export class ChatSession {
  @PrimaryColumn({
    ...opaqueIdColumn,
    name: 'owner_id',
    primaryKeyConstraintName: 'pk_chat_sessions',
  })
  ownerId: string;

  /** UUID, version 7 unless the client chose it; unique among all owners. */
  @PrimaryColumn({
    ...asciiColumn,
    name: 'id',
    length: 36,
    primaryKeyConstraintName: 'pk_chat_sessions',
  })
  id: string;

  @Column({ type: 'varchar', name: 'title', length: 255, nullable: true })
  title: string | null;

  @Column({ ...opaqueIdColumn, name: 'document_id', nullable: true })
  documentId: string | null;

  @Column({ ...opaqueIdColumn, name: 'section_id', nullable: true })
  sectionId: string | null;

  @Column({ ...jsonColumn, name: 'context_documents' })
  contextDocuments: string[];

  @Column({ ...jsonColumn, name: 'config' })
  config: JsonObject;

  @Column({ ...jsonColumn, name: 'metadata' })
  metadata: JsonObject;

  @Column({ type: 'boolean', name: 'pinned' })
  pinned: boolean;

  @Column({ type: 'boolean', name: 'archived' })
  archived: boolean;

  /** How many seqs there are from the first message to `lastSeq`, those of deleted messages included. */
  @Column({ type: 'int', unsigned: true, name: 'message_count' })
  messageCount: number;

  /** The last seq that was used. A clear does not reset it, so no seq is used twice. */
  @Column({ type: 'int', unsigned: true, name: 'last_seq' })
  lastSeq: number;

  /**
   * The message that was appended last. Instances of the version before leave
   * both columns as they are, so it is that of `lastSeq` only if the seqs are equal.
   */
  @Column({
    type: 'int',
    unsigned: true,
    name: 'newest_seq',
    nullable: true,
    select: false,
  })
  newestSeq: number | null;

  @Column({
    ...opaqueIdColumn,
    name: 'newest_id',
    length: 255,
    nullable: true,
    select: false,
  })
  newestId: string | null;

  /** How many of the `messageCount` seqs were deleted. Does not count if the session is linear. */
  @Column({ type: 'int', unsigned: true, name: 'deleted_count', default: 0 })
  deletedCount: number;

  /** The columns of a session that is no line: null in a line (see `StoredTree`). */
  @Column({ type: 'int', unsigned: true, name: 'first_seq', nullable: true })
  firstSeq: number | null;

  @Column({ type: 'int', unsigned: true, name: 'leaf_seq', nullable: true })
  leafSeq: number | null;

  /** Random, and new with each text of `stretches`. */
  @Column({
    ...asciiColumn,
    name: 'tree_revision',
    length: 12,
    nullable: true,
  })
  treeRevision: string | null;

  /** Up to 110 kB: read by `TreesRepository` only. */
  @Column({
    type: 'longtext',
    name: 'stretches',
    nullable: true,
    select: false,
  })
  stretches?: string | null;

  /** The seq of the answer that is being written; null if there is none. */
  @Column({
    type: 'int',
    unsigned: true,
    name: 'active_run_seq',
    nullable: true,
  })
  activeRunSeq: number | null;

  /** The sums of all its runs; null if none has reported any. */
  @Column({ ...jsonColumn, name: 'usage', nullable: true })
  usage: UsageSums | null;

  /** Bytes of the largest message in a response: tells whether a page must count bytes. */
  @Column({ type: 'int', unsigned: true, name: 'max_message_bytes' })
  maxMessageBytes: number;

  /** The start of the text of the leaf. */
  @Column({ type: 'varchar', name: 'preview', length: 160, nullable: true })
  preview: string | null;

  @Column({ ...timeColumn, name: 'last_message_at', nullable: true })
  lastMessageAt: Date | null;

  /** Set by create and append only: renaming or pinning does not move a session in a list. */
  @Column({ ...timeColumn, name: 'last_activity_at' })
  lastActivityAt: Date;

  /** Counts every change, appends included. */
  @Column({ type: 'int', unsigned: true, name: 'version' })
  version: number;

  /**
   * Random, and new with each version: a database that was restored counts
   * versions again. Instances of the version before leave it as it is, at first empty.
   */
  @Column({ ...asciiColumn, name: 'revision', length: 12, default: '' })
  revision: string;

  /** Null unless the session is a fork. Its origin may be gone. */
  @Column({ ...jsonColumn, name: 'forked_from', nullable: true })
  forkedFrom: ForkedFrom | null;

  @Column({ ...timeColumn, name: 'created_at' })
  createdAt: Date;

  @Column({ ...timeColumn, name: 'updated_at' })
  updatedAt: Date;
}
