import { v7 as uuidv7 } from 'uuid';
import { NO_MESSAGES } from '../store/chat-messages.repository.js';
import { ChatSession } from '../store/entities/chat-session.entity.js';
import { newRevision } from '../store/revision.js';
import type { CreateChatSessionDto } from './dto/create-chat-session.dto.js';

/** A session without messages, not stored yet. */
export function newSession(
  ownerId: string,
  input: Omit<CreateChatSessionDto, 'messages'>,
  now: Date,
): ChatSession {
  return Object.assign(new ChatSession(), {
    id: input.id?.toLowerCase() ?? uuidv7(),
    ownerId,
    title: input.title ?? null,
    documentId: input.document_id ?? null,
    sectionId: input.section_id ?? null,
    contextDocuments: input.context_documents ?? [],
    config: input.config ?? {},
    metadata: input.metadata ?? {},
    pinned: false,
    archived: false,
    ...NO_MESSAGES,
    lastSeq: 0,
    lastActivityAt: now,
    version: 1,
    revision: newRevision(),
    forkedFrom: null,
    createdAt: now,
    updatedAt: now,
  });
}
