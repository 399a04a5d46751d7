import { Injectable } from '@nestjs/common';
import { isDuplicateKey } from '../../database/errors.js';
import {
  COMMIT,
  execute,
  type UnitOfWork,
} from '../../database/unit-of-work.js';
import { ChatSessionsError } from '../errors.js';
import type { CreateChatMessageDto } from '../messages/dto/create-chat-message.dto.js';
import { MessageReads } from '../messages/message-reads.js';
import {
  derivedTitle,
  fieldsWith,
  isRepeated,
  newMessages,
} from '../messages/message-rules.js';
import { ChatMessagesRepository } from '../store/chat-messages.repository.js';
import { ChatSessionsRepository } from '../store/chat-sessions.repository.js';
import type { ChatSession } from '../store/entities/chat-session.entity.js';
import { newestOf } from '../store/fit-page.js';
import type { Admit } from '../store/large-reads.js';
import type { PlacedMessage } from '../store/placed-messages.repository.js';
import { firstSeqOf } from '../tree/stored-tree.js';
import type { IdempotencyKey } from '../writes/idempotency/idempotency-key.entity.js';
import type { Written } from '../writes/session-writes.js';
import type { CreateChatSessionDto } from './dto/create-chat-session.dto.js';
import { newSession } from './session-rules.js';

/** A section of a document of the platform; both ids are the platform's. */
export interface SectionKey {
  documentId: string;
  sectionId: string;
}

export interface Created extends Written {
  session: ChatSession;
  /** The newest messages, oldest first. */
  messages: PlacedMessage[];
}

/**
 * Creates sessions, or finds them if they exist. Inserting first, and reading
 * if the row exists, needs no lock and cannot deadlock.
 */
@Injectable()
export class ChatSessionCreation {
  constructor(
    private readonly sessions: ChatSessionsRepository,
    private readonly messages: ChatMessagesRepository,
    private readonly reads: MessageReads,
  ) {}

  /** Throws `session_id_taken`, `session_being_deleted`, `session_differs`, `section_taken`, `message_empty`. */
  *create(
    ownerId: string,
    input: CreateChatSessionDto,
    admit: Admit,
  ): UnitOfWork<Created> {
    const session = newSession(ownerId, input, new Date());
    const messages = newMessages(session, input.messages ?? [], {
      now: session.createdAt,
      parentId: null,
    });
    if (messages.length > 0) {
      const title = session.title ?? derivedTitle(messages);
      Object.assign(session, fieldsWith(session, messages), { title });
    }
    try {
      yield* this.sessions.insert(session);
    } catch (error) {
      if (!isDuplicateKey(error)) throw error;
      return yield* this.findRepeated(session, input.messages ?? [], admit);
    }
    if (messages.length > 0) {
      yield* execute(this.messages.insertion(messages), COMMIT);
    }
    return { session, messages: newestOf(messages), created: true };
  }

  *getOrCreateOfSection(
    ownerId: string,
    { documentId, sectionId }: SectionKey,
    admit: Admit,
  ): UnitOfWork<Created> {
    const session = newSession(
      ownerId,
      { document_id: documentId, section_id: sectionId },
      new Date(),
    );
    try {
      yield* this.sessions.insert(session);
      return { session, messages: [], created: true };
    } catch (error) {
      const stored = isDuplicateKey(error)
        ? yield* this.findOfSection(session)
        : undefined;
      if (!stored) throw error;
      return yield* this.withMessages(stored, false, admit);
    }
  }

  /** The session that was created with an Idempotency-Key, as it is now. Throws EntityNotFoundError. */
  *findCreated(
    { ownerId, sessionId }: IdempotencyKey,
    admit: Admit,
  ): UnitOfWork<Created> {
    const session = yield* this.sessions.get(ownerId, sessionId);
    return yield* this.withMessages(session, true, admit);
  }

  /** The owner's session with the id of one that could not be inserted; throws if the id or the section is another's. */
  private *findRepeated(
    session: ChatSession,
    inputs: CreateChatMessageDto[],
    admit: Admit,
  ): UnitOfWork<Created> {
    const { ownerId, id } = session;
    const stored = yield* this.sessions.find(ownerId, id);
    if (stored) {
      yield* this.checkFirstMessages(stored, inputs, admit);
      return yield* this.withMessages(stored, false, admit);
    }
    if (yield* this.sessions.hasDisowned(id)) {
      throw new ChatSessionsError('session_being_deleted');
    }
    const ofSection = yield* this.findOfSection(session);
    throw new ChatSessionsError(
      ofSection ? 'section_taken' : 'session_id_taken',
    );
  }

  /**
   * Throws `session_differs` unless the session began with these messages, of
   * which some may have been deleted since. After a clear nobody can tell.
   */
  private *checkFirstMessages(
    session: ChatSession,
    inputs: CreateChatMessageDto[],
    admit: Admit,
  ): UnitOfWork<void> {
    if (inputs.length === 0 || firstSeqOf(session) > 1) return;
    let isSame = session.lastSeq >= inputs.length;
    // A page may end early, for its size.
    for (let after = 0; isSame && after < inputs.length;) {
      const limit = inputs.length - after;
      const query = { tree: true, limit, after };
      const { messages } = yield* this.reads.page(session, query, admit);
      isSame = messages.every((stored) => isFirst(stored, inputs));
      after = messages.at(-1)?.seq ?? inputs.length;
    }
    if (!isSame) throw new ChatSessionsError('session_differs');
  }

  private *findOfSection({
    ownerId,
    documentId,
    sectionId,
  }: ChatSession): UnitOfWork<ChatSession | undefined> {
    if (documentId === null || sectionId === null) return undefined;
    return yield* this.sessions.findOfSection(ownerId, documentId, sectionId);
  }

  private *withMessages(
    session: ChatSession,
    created: boolean,
    admit: Admit,
  ): UnitOfWork<Created> {
    const view = yield* this.reads.newest(session, admit);
    return { ...view, created };
  }
}

/** Whether a message is the one that a create sent in its place, or came after those. */
function isFirst(
  stored: PlacedMessage,
  inputs: CreateChatMessageDto[],
): boolean {
  const input = inputs[stored.seq - 1];
  if (!input) return true;
  const { id = stored.id } = input;
  return id === stored.id && isRepeated(stored, input);
}
