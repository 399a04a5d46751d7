import { Injectable } from '@nestjs/common';
import { isDuplicateKey } from '../../database/errors.js';
import type { UnitOfWork } from '../../database/unit-of-work.js';
import { ChatMessagesRepository } from '../store/chat-messages.repository.js';
import { ChatSessionsRepository } from '../store/chat-sessions.repository.js';
import {
  derivedTitle,
  fieldsWith,
  newMessages,
  newSession,
} from '../messages/message-rules.js';
import type { CreateChatSessionDto } from './dto/create-chat-session.dto.js';
import type { ChatMessage } from '../store/entities/chat-message.entity.js';
import type { ChatSession } from '../store/entities/chat-session.entity.js';
import type { IdempotencyKey } from '../writes/idempotency/idempotency-key.entity.js';
import { ChatSessionsError } from '../errors.js';
import type { Written } from '../writes/idempotency/idempotency.js';

export interface Created extends Written {
  session: ChatSession;
  /** The newest, oldest first. */
  messages: ChatMessage[];
}

/**
 * The ways in which a session comes to be, or turns out to be there already. To
 * insert first and read on a duplicate needs no lock, and cannot deadlock.
 */
@Injectable()
export class ChatSessionCreation {
  constructor(
    private readonly sessions: ChatSessionsRepository,
    private readonly messages: ChatMessagesRepository,
  ) {}

  /** Throws `session_id_taken`, `section_taken`, `message_empty`. */
  *create(ownerId: string, input: CreateChatSessionDto): UnitOfWork<Created> {
    const session = newSession(ownerId, input, new Date());
    const messages = newMessages(
      session,
      input.messages ?? [],
      session.createdAt,
    );
    if (messages.length > 0) {
      const title = session.title ?? derivedTitle(messages);
      Object.assign(session, fieldsWith(session, messages), { title });
    }
    try {
      yield* this.sessions.insert(session);
    } catch (error) {
      if (!isDuplicateKey(error)) throw error;
      return yield* this.repeated(session);
    }
    if (messages.length > 0) yield* this.messages.insert(messages);
    return yield* this.found(session, true);
  }

  /** The owner's one session of a section. */
  *getOrCreateOfSection(
    ownerId: string,
    documentId: string,
    sectionId: string,
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
      return yield* this.found(stored, false);
    }
  }

  /** What was created with a key before, as it is now. Throws EntityNotFoundError. */
  *createdBefore({ ownerId, sessionId }: IdempotencyKey): UnitOfWork<Created> {
    return yield* this.found(
      yield* this.sessions.get(ownerId, sessionId),
      true,
    );
  }

  /** Answers a create whose id or section is there already. */
  private *repeated(session: ChatSession): UnitOfWork<Created> {
    const { ownerId, id } = session;
    const stored = yield* this.sessions.find(ownerId, id);
    if (stored) return yield* this.found(stored, false);
    const ofSection = yield* this.findOfSection(session);
    throw new ChatSessionsError(
      ofSection ? 'section_taken' : 'session_id_taken',
    );
  }

  private *findOfSection({
    ownerId,
    documentId,
    sectionId,
  }: ChatSession): UnitOfWork<ChatSession | undefined> {
    if (documentId === null || sectionId === null) return undefined;
    return yield* this.sessions.findOfSection(ownerId, documentId, sectionId);
  }

  private *found(session: ChatSession, created: boolean): UnitOfWork<Created> {
    const messages = yield* this.messages.newest(session);
    return { session, messages, created };
  }
}
