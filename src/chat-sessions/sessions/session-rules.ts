import { v7 as uuidv7 } from 'uuid';
import { mergePatch } from '../../json/merge-patch.js';
import { validated } from '../../validation/dto.pipe.js';
import { NO_MESSAGES } from '../store/chat-messages.repository.js';
import {
  ChatSession,
  type JsonObject,
} from '../store/entities/chat-session.entity.js';
import { newRevision } from '../store/revision.js';
import type { CreateChatSessionDto } from './dto/create-chat-session.dto.js';
import {
  type MergeChatSessionDto,
  MergedChatSessionDto,
  type UpdateChatSessionDto,
} from './dto/update-chat-session.dto.js';

/** The columns of open JSON. */
type OpenFields = Pick<ChatSession, 'metadata' | 'config'>;

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
    activeRunSeq: null,
    usage: null,
    lastSeq: 0,
    lastActivityAt: now,
    version: 1,
    revision: newRevision(),
    forkedFrom: null,
    createdAt: now,
    updatedAt: now,
  });
}

/** The fields that changes replace; those that are undefined stay. */
export function replacedFields({
  context_documents: contextDocuments,
  ...others
}: UpdateChatSessionDto): Partial<ChatSession> {
  return given({ contextDocuments, ...others });
}

/** The fields that a merge patch changes. Throws ValidationFailedException if it makes one of them too large. */
export function mergedFields(
  stored: OpenFields,
  { metadata, config, ...others }: MergeChatSessionDto,
): Partial<ChatSession> {
  const open = given({
    metadata: mergedObject(stored.metadata, metadata),
    config: mergedObject(stored.config, config),
  });
  validated(open, MergedChatSessionDto);
  return { ...replacedFields(others), ...open };
}

/** Null removes an object, and a session without one has an empty one. */
function mergedObject(
  stored: JsonObject,
  patch: JsonObject | null | undefined,
): JsonObject | undefined {
  return patch === null
    ? {}
    : patch && (mergePatch(stored, patch) as JsonObject);
}

function given<Fields extends object>(fields: Fields): Partial<Fields> {
  const entries = Object.entries(fields);
  return Object.fromEntries(
    entries.filter(([, value]) => value !== undefined),
  ) as Partial<Fields>;
}
