/** The entities of `nest-default` on the service's tables, and its responses. */
import {
  Column,
  Entity,
  JoinColumn,
  ManyToOne,
  OneToMany,
  PrimaryColumn,
} from 'typeorm';

@Entity('chat_sessions')
export class Session {
  @PrimaryColumn({ type: 'varchar', length: 36 })
  id: string;

  @Column({ type: 'varchar', name: 'owner_id' })
  ownerId: string;

  @Column({ type: 'varchar', nullable: true })
  title: string | null;

  @Column({ type: 'varchar', name: 'document_id', nullable: true })
  documentId: string | null;

  @Column({ type: 'varchar', name: 'section_id', nullable: true })
  sectionId: string | null;

  @Column({ type: 'simple-json', name: 'context_documents' })
  contextDocuments: string[];

  @Column({ type: 'simple-json' })
  config: object;

  @Column({ type: 'simple-json' })
  metadata: object;

  @Column({ type: 'boolean' })
  pinned: boolean;

  @Column({ type: 'boolean' })
  archived: boolean;

  @Column({ type: 'int', name: 'message_count' })
  messageCount: number;

  @Column({ type: 'int', name: 'last_seq' })
  lastSeq: number;

  @Column({ type: 'int', name: 'max_message_bytes' })
  maxMessageBytes: number;

  @Column({ type: 'varchar', nullable: true })
  preview: string | null;

  @Column({ type: 'datetime', precision: 3, name: 'last_message_at' })
  lastMessageAt: Date | null;

  @Column({ type: 'datetime', precision: 3, name: 'last_activity_at' })
  lastActivityAt: Date;

  @Column({ type: 'int' })
  version: number;

  @Column({ type: 'datetime', precision: 3, name: 'created_at' })
  createdAt: Date;

  @Column({ type: 'datetime', precision: 3, name: 'updated_at' })
  updatedAt: Date;

  @OneToMany(() => Message, (message) => message.session)
  messages: Message[];
}

@Entity('chat_messages')
export class Message {
  @PrimaryColumn({ type: 'varchar', length: 36, name: 'session_id' })
  sessionId: string;

  @PrimaryColumn({ type: 'int' })
  seq: number;

  @Column({ type: 'varchar', length: 64 })
  id: string;

  @Column({ type: 'varchar', name: 'owner_id' })
  ownerId: string;

  @Column({ type: 'varchar', length: 16 })
  role: string;

  @Column({ type: 'longtext' })
  content: string;

  @Column({ type: 'simple-json', nullable: true })
  parts: object[] | null;

  @Column({ type: 'simple-json' })
  references: object[];

  @Column({ type: 'simple-json' })
  metadata: object;

  @Column({ type: 'int' })
  bytes: number;

  @Column({ type: 'datetime', precision: 3, name: 'created_at' })
  createdAt: Date;

  @Column({
    type: 'datetime',
    precision: 3,
    name: 'edited_at',
    nullable: true,
  })
  editedAt: Date | null;

  @ManyToOne(() => Session, (session) => session.messages)
  @JoinColumn({ name: 'session_id' })
  session?: Session;
}

/** The sessions of the benchmark are lines: a message follows the one before it. */
export function toMessage(message: Message, parentId: string | null) {
  return {
    id: message.id,
    seq: message.seq,
    parent_id: parentId,
    role: message.role,
    content: message.content,
    parts: message.parts,
    references: message.references,
    metadata: message.metadata,
    timestamp: message.createdAt,
    edited_at: message.editedAt,
  };
}

function headOf(session: Session) {
  return {
    id: session.id,
    title: session.title,
    document_id: session.documentId,
    section_id: session.sectionId,
    context_documents: session.contextDocuments,
    pinned: session.pinned,
    archived: session.archived,
    message_count: session.messageCount,
    last_message_at: session.lastMessageAt,
    version: session.version,
    created_at: session.createdAt,
    updated_at: session.updatedAt,
  };
}

export function toSummary(session: Session) {
  return { ...headOf(session), preview: session.preview };
}

export function toSession(session: Session) {
  const references = session.messages.flatMap((message) => message.references);
  return {
    ...headOf(session),
    messages: session.messages.map((message, index, all) =>
      toMessage(message, all[index - 1]?.id ?? null),
    ),
    references: [
      ...new Map(references.map((one) => [JSON.stringify(one), one])).values(),
    ],
    config: session.config,
    metadata: session.metadata,
  };
}
