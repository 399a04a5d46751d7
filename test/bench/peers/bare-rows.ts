/** The rows of the peer `bare`, and its responses. */
export interface SessionRow {
  id: string;
  title: string | null;
  document_id: string | null;
  section_id: string | null;
  context_documents: string;
  config: string;
  metadata: string;
  pinned: number;
  archived: number;
  message_count: number;
  last_seq: number;
  max_message_bytes: number;
  preview: string | null;
  last_message_at: Date | null;
  last_activity_at: Date;
  version: number;
  created_at: Date;
  updated_at: Date;
}

/** The columns of a session that an append reads. */
export type StateRow = Pick<
  SessionRow,
  'title' | 'message_count' | 'last_seq' | 'max_message_bytes' | 'version'
> & { newest_id: string | null };

export interface MessageRow {
  id: string;
  seq: number;
  role: string;
  content: string;
  parts: string | null;
  references: string;
  metadata: string;
  created_at: Date;
  edited_at: Date | null;
  /** The id of the message before the first one of a page. */
  first_parent_id?: string | null;
}

/** The sessions of the benchmark are lines: a message follows the one before it. */
export function toMessage(row: MessageRow, index: number, rows: MessageRow[]) {
  return {
    id: row.id,
    seq: row.seq,
    parent_id: rows[index - 1]?.id ?? row.first_parent_id ?? null,
    role: row.role,
    content: row.content,
    parts: row.parts === null ? null : (JSON.parse(row.parts) as unknown),
    references: JSON.parse(row.references) as object[],
    metadata: JSON.parse(row.metadata) as object,
    timestamp: row.created_at,
    edited_at: row.edited_at,
  };
}

function headOf(row: SessionRow) {
  return {
    id: row.id,
    title: row.title,
    document_id: row.document_id,
    section_id: row.section_id,
    context_documents: JSON.parse(row.context_documents) as string[],
    pinned: row.pinned === 1,
    archived: row.archived === 1,
    message_count: row.message_count,
    last_message_at: row.last_message_at,
    version: row.version,
    created_at: row.created_at,
    updated_at: row.updated_at,
  };
}

export function toSummary(row: SessionRow) {
  return Object.assign(headOf(row), { preview: row.preview });
}

export function toSession(row: SessionRow, rows: MessageRow[]) {
  const messages = rows.map(toMessage);
  const references = messages.flatMap((message) => message.references);
  return Object.assign(headOf(row), {
    messages,
    references: [
      ...new Map(references.map((one) => [JSON.stringify(one), one])).values(),
    ],
    config: JSON.parse(row.config) as object,
    metadata: JSON.parse(row.metadata) as object,
  });
}
