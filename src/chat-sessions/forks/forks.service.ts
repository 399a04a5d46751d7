import { Injectable, Logger } from '@nestjs/common';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { Database } from '../../database/database.js';
import { StoreQueue } from '../../database/store-queue.js';
import type { UnitOfWork } from '../../database/unit-of-work.js';
import { describeError } from '../../errors/describe-error.js';
import { ChatSessionsError } from '../errors.js';
import { MessageReads } from '../messages/message-reads.js';
import { Purger } from '../removal/purger.js';
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
  type Fork,
  ForkCopies,
  ForkInterrupted,
  type ForkPoint,
  type Progress,
} from './fork-copies.js';

/** A session that loses messages while it is copied is copied again; more than this many times it is not. */
const MAX_ATTEMPTS = 5;

/** Long forks that are copied at the same time, and that may wait for it; more are shed. */
const MAX_COPIES = 2;
const MAX_WAITING = 50;
const WAIT_MS = 10_000;

/**
 * Copies the messages of a path into a new session. Those of a long session are
 * copied in batches, so that other writes need not wait for them, to a session
 * that nobody sees until it is complete.
 */
@Injectable()
export class ForksService {
  private readonly logger = new Logger(ForksService.name);
  private readonly queue = new StoreQueue({
    concurrency: MAX_COPIES,
    maxWaiting: MAX_WAITING,
    // A queue sheds what has waited for half of its deadline.
    deadlineMs: 2 * WAIT_MS,
    waiting: 'long forks are waiting for their turn',
  });
  /** Long forks in progress, by owner and Idempotency-Key. */
  private readonly running = new Set<string>();

  constructor(
    private readonly database: Database,
    private readonly reads: LargeReads,
    private readonly sessions: ChatSessionsRepository,
    private readonly messageReads: MessageReads,
    private readonly creation: ChatSessionCreation,
    private readonly idempotency: Idempotency,
    private readonly copies: ForkCopies,
    private readonly writes: SessionWrites,
    private readonly purger: Purger,
  ) {}

  /** Throws EntityNotFoundError, `version_moved`, `fork_interrupted`, `key_reused`, `key_in_use`. */
  async fork(
    key: SessionKey,
    { message_id: messageId }: ForkChatSessionDto,
    options: WriteOptions = {},
  ): Promise<Created> {
    const point = { ...key, messageId, ifMatch: options.ifMatch };
    const isInBatches = await this.database.read(() =>
      this.isInBatches(key, options),
    );
    return isInBatches
      ? this.once(key, options, () =>
          this.queue.run('write', () => this.forkInBatches(point, options)),
        )
      : this.create(() => this.copies.copy(point), key, options);
  }

  /** Refuses a request while this process copies for the same one. */
  private async once(
    { ownerId }: SessionKey,
    { request }: WriteOptions,
    fork: () => Promise<Created>,
  ): Promise<Created> {
    if (!request) return fork();
    const name = `${ownerId}\n${request.key}`;
    if (this.running.has(name)) throw new ChatSessionsError('key_in_use');
    this.running.add(name);
    return fork().finally(() => this.running.delete(name));
  }

  private async forkInBatches(
    point: ForkPoint,
    options: WriteOptions,
  ): Promise<Created> {
    for (let attempts = 1; ; attempts++) {
      try {
        return await this.tryInBatches(point, options);
      } catch (error) {
        const isLast = attempts === MAX_ATTEMPTS;
        if (!(error instanceof ForkInterrupted) || isLast) throw error;
      }
    }
  }

  private async tryInBatches(
    point: ForkPoint,
    options: WriteOptions,
  ): Promise<Created> {
    const fork = await this.database.write(() => this.copies.begin(point));
    const { id } = fork.session;
    let created: Created | undefined;
    try {
      const progress = await this.copyAll(fork);
      const publish = () => this.copies.publish(fork, progress);
      created = await this.create(publish, point, options);
      return created;
    } finally {
      // It failed, or an earlier request with the same key has made another fork.
      if (created?.session.id !== id) {
        await this.giveUp(id).catch((error: unknown) => {
          this.logger.warn({
            message: 'A fork is left to the sweeper',
            error: describeError(error),
          });
        });
      }
    }
  }

  private async giveUp(id: string): Promise<void> {
    await this.database.write(() => this.copies.giveUp(id, new Date()));
    this.purger.wake();
  }

  private async copyAll(fork: Fork): Promise<Progress> {
    let progress: Progress = {
      count: 0,
      lastSeq: 0,
      source: fork.source,
      maxMessageBytes: 0,
    };
    while (progress.count < fork.path.length) {
      progress = await this.database.write(() =>
        this.copies.copyBatch(fork, progress),
      );
      // Lets requests run between two batches on SQLite.
      await nextTurn();
    }
    return progress;
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
}
