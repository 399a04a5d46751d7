import { Injectable } from '@nestjs/common';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { Database } from '../../database/database.js';
import type { UnitOfWork } from '../../database/unit-of-work.js';
import { MessageReads } from '../messages/message-reads.js';
import { isLong } from '../removal/removal.js';
import {
  ChatSessionCreation,
  type Created,
} from '../sessions/chat-session-creation.js';
import {
  ChatSessionsRepository,
  type SessionKey,
} from '../store/chat-sessions.repository.js';
import type { ChatSession } from '../store/entities/chat-session.entity.js';
import { type Admit, LargeReads } from '../store/large-reads.js';
import { Idempotency } from '../writes/idempotency/idempotency.js';
import { SessionWrites, type WriteOptions } from '../writes/session-writes.js';
import type { ForkChatSessionDto } from './dto/fork-chat-session.dto.js';
import {
  type CompleteCopy,
  ForkCopies,
  ForkInterrupted,
  type ForkPoint,
  type Progress,
} from './fork-copies.js';

/** A session that loses messages while it is copied is copied again; more than this many times it is not. */
const MAX_ATTEMPTS = 5;

/**
 * Copies the messages of a path into a new session. Those of a long session are
 * copied in batches, so that other writes need not wait for them, to a session
 * that nobody sees until it is complete.
 */
@Injectable()
export class ForksService {
  constructor(
    private readonly database: Database,
    private readonly reads: LargeReads,
    private readonly sessions: ChatSessionsRepository,
    private readonly messageReads: MessageReads,
    private readonly creation: ChatSessionCreation,
    private readonly idempotency: Idempotency,
    private readonly copies: ForkCopies,
    private readonly writes: SessionWrites,
  ) {}

  /** Throws EntityNotFoundError, `version_moved`, `key_reused`, `key_in_use`. */
  async fork(
    key: SessionKey,
    { message_id: messageId }: ForkChatSessionDto,
    options: WriteOptions = {},
  ): Promise<Created> {
    const point = { ...key, messageId, ifMatch: options.ifMatch };
    for (let attempts = 1; ; attempts++) {
      try {
        const isInBatches = await this.database.read(() =>
          this.isInBatches(key, options),
        );
        if (!isInBatches) {
          return await this.create(() => this.copies.copy(point), key, options);
        }
        const copy = await this.copyInBatches(point);
        return await this.create(() => this.copies.publish(copy), key, options);
      } catch (error) {
        const isLast = attempts === MAX_ATTEMPTS;
        if (!(error instanceof ForkInterrupted) || isLast) throw error;
      }
    }
  }

  private create(
    copy: () => UnitOfWork<ChatSession>,
    { ownerId }: SessionKey,
    options: WriteOptions,
  ): Promise<Created> {
    return this.reads.write((admit) =>
      this.writes.create<Created>(
        ownerId,
        {
          create: () => this.createFrom(copy, admit),
          replay: (record) => this.creation.findCreated(record, admit),
        },
        options,
      ),
    );
  }

  private *createFrom(
    copy: () => UnitOfWork<ChatSession>,
    admit: Admit,
  ): UnitOfWork<Created> {
    const session = yield* copy();
    const view = yield* this.messageReads.newest(session, admit);
    return { ...view, created: true };
  }

  /** Whether a session is too long for one transaction. A request that was done before needs no copy. */
  private *isInBatches(
    { ownerId, id }: SessionKey,
    { request }: WriteOptions,
  ): UnitOfWork<boolean> {
    if (request && (yield* this.idempotency.find(ownerId, request))) {
      return false;
    }
    return isLong(yield* this.sessions.state(ownerId, id));
  }

  private async copyInBatches(point: ForkPoint): Promise<CompleteCopy> {
    const fork = await this.database.write(() => this.copies.begin(point));
    let progress: Progress = {
      count: 0,
      lastSeq: 0,
      updatedAt: fork.session.updatedAt,
    };
    while (progress.count < fork.path.length) {
      progress = await this.database.write(() =>
        this.copies.copyBatch(fork, progress),
      );
      // Lets requests run between two batches on SQLite.
      await nextTurn();
    }
    return { session: fork.session, updatedAt: progress.updatedAt };
  }
}
