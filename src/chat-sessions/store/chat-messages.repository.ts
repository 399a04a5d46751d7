import { Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import {
  Between,
  EntityNotFoundError,
  type FindOptionsWhere,
  In,
  LessThan,
  MoreThanOrEqual,
  Repository,
  type SelectQueryBuilder,
} from 'typeorm';
import {
  cachedSelect,
  select,
  selectFrom,
  Table,
} from '../../database/statements.js';
import {
  execute,
  type Statement,
  type UnitOfWork,
} from '../../database/unit-of-work.js';
import { PAGE } from '../limits.js';
import type { SessionKey, SessionState } from './chat-sessions.repository.js';
import {
  ChatMessage,
  type MessageRole,
} from './entities/chat-message.entity.js';
import type { ChatPurge } from './entities/chat-purge.entity.js';
import type { ChatSession } from './entities/chat-session.entity.js';
import { type Admit, SMALL_BYTES } from './large-reads.js';
import {
  firstSeqOf,
  fitRange,
  lengthOf,
  type MessagePageQuery,
  type MessageRange,
  rangeOf,
} from './message-range.js';

export interface MessagePage {
  range: MessageRange;
  messages: ChatMessage[];
}

/** Columns that tell which session a message belongs to. */
type Key = Pick<ChatMessage, 'sessionId' | 'ownerId'>;

interface RangeValues extends Key {
  from: number;
  to: number;
}

/** The fields of a session that has no messages. */
export const NO_MESSAGES = {
  messageCount: 0,
  maxMessageBytes: 0,
  preview: null,
  lastMessageAt: null,
} satisfies Partial<ChatSession>;

/** Rows and bytes that are removed at once. Few, because on SQLite this blocks the process. */
const BATCH = { rows: 500, bytes: 4 * 1024 * 1024 };

/**
 * Statements on messages. Every one names the owner. Messages before the first
 * seq of their session were cleared, and wait for their removal.
 */
@Injectable()
export class ChatMessagesRepository {
  private readonly selectRange = cachedSelect((values: RangeValues) =>
    this.inRange(values).orderBy('message.seq'),
  );
  private readonly selectSizes = cachedSelect((values: RangeValues) =>
    this.inRange(values, ['seq', 'bytes']),
  );

  private readonly table: Table<ChatMessage>;

  constructor(
    @InjectRepository(ChatMessage)
    private readonly messages: Repository<ChatMessage>,
  ) {
    this.table = new Table(messages);
  }

  /** Throws EntityNotFoundError if the session has no such message. */
  *get(session: SessionState, id: string): UnitOfWork<ChatMessage> {
    const [message] = yield* select(this.of(session).andWhere({ id }));
    if (!message) {
      throw new EntityNotFoundError(ChatMessage, { sessionId: session.id, id });
    }
    return message;
  }

  /** The messages with these ids, by id; missing ones are left out. */
  *findAll(
    session: SessionState,
    ids: string[],
  ): UnitOfWork<ReadonlyMap<string, ChatMessage>> {
    const found = yield* select(this.of(session).andWhere({ id: In(ids) }));
    return new Map(found.map((message) => [message.id, message]));
  }

  /**
   * The size of the messages with these ids; 0, without a query, if it cannot
   * exceed 1 MiB. A hundred messages can have 100 MiB.
   */
  *bytesOf(session: SessionState, ids: string[]): UnitOfWork<number> {
    if (ids.length * session.maxMessageBytes <= SMALL_BYTES) return 0;
    const sizes = yield* select(
      this.query(['seq', 'bytes'])
        .where(existing(session))
        .andWhere({ id: In(ids) }),
    );
    return sizes.reduce((sum, { bytes }) => sum + bytes, 0);
  }

  /** The starts of the first messages of a role whose content is not empty. */
  *firstTexts(
    session: SessionState,
    role: MessageRole,
    limits: { messages: number; characters: number },
  ): UnitOfWork<string[]> {
    const start = `SUBSTR(message.content, 1, ${limits.characters})`;
    const rows = yield* select(
      this.query([])
        .addSelect(start, 'content')
        .where(existing(session))
        .andWhere({ role })
        .andWhere("message.content <> ''")
        .orderBy('message.seq')
        .limit(limits.messages),
    );
    return rows.map(({ content }) => content);
  }

  /**
   * A page of messages, oldest first, and the range of seqs that it should fill.
   * @param admit is called before the messages are read
   */
  *page(
    session: ChatSession,
    query: MessagePageQuery,
    admit: Admit,
  ): UnitOfWork<MessagePage> {
    const { range, bytes } = yield* this.fitting(session, query);
    if (lengthOf(range) === 0) return { range, messages: [] };
    admit(bytes);
    const messages = yield* this.selectRange(valuesOf(session, range));
    return { range, messages };
  }

  /** The newest messages, oldest first: as many as a session shows by default. */
  *newest(session: ChatSession, admit: Admit): UnitOfWork<ChatMessage[]> {
    const limit = PAGE.sessionMessages.default;
    return (yield* this.page(session, { limit }, admit)).messages;
  }

  /** The statement that inserts messages. */
  insertion(messages: ChatMessage[]): Statement {
    return this.table.insert(messages);
  }

  *deleteAll(session: SessionState): UnitOfWork<void> {
    yield* this.delete(existing(session));
  }

  /** Deletes cleared messages with these ids. Returns whether there were any. */
  *deleteCleared(session: SessionState, ids: string[]): UnitOfWork<boolean> {
    const seq = LessThan(firstSeqOf(session));
    return (yield* this.delete({ ...keyOf(session), seq, id: In(ids) })) > 0;
  }

  /** Deletes some of the messages of a purge. Returns false if there are none. */
  *deleteBatch({
    sessionId,
    ownerId,
    lastSeq,
  }: ChatPurge): UnitOfWork<boolean> {
    const rows = yield* select(
      this.query(['seq', 'bytes'])
        .where({ sessionId, ownerId, seq: Between(0, lastSeq) })
        .orderBy('message.seq')
        .limit(BATCH.rows),
    );
    const [first] = rows;
    if (!first) return false;
    let bytes = 0;
    const next = rows.find((row) => (bytes += row.bytes) > BATCH.bytes);
    const end = next ? Math.max(next.seq - 1, first.seq) : rows.at(-1)!.seq;
    yield* this.delete({ sessionId, ownerId, seq: Between(first.seq, end) });
    return true;
  }

  private *delete(where: FindOptionsWhere<ChatMessage>): UnitOfWork<number> {
    return yield* execute(
      this.messages.createQueryBuilder().delete().where(where),
    );
  }

  /** The part of a page's range that fits into its bytes, and the most bytes that it may have. */
  private *fitting(
    session: ChatSession,
    query: MessagePageQuery,
  ): UnitOfWork<{ range: MessageRange; bytes: number }> {
    const range = rangeOf(session, query);
    const bytes = lengthOf(range) * session.maxMessageBytes;
    if (lengthOf(range) <= 1 || bytes <= SMALL_BYTES) return { range, bytes };
    const sizes = yield* this.selectSizes(valuesOf(session, range));
    const fitting = fitRange(range, sizes);
    const total = sizes
      .filter(({ seq }) => seq >= fitting.from && seq <= fitting.to)
      .reduce((sum, size) => sum + size.bytes, 0);
    return { range: fitting, bytes: total };
  }

  private inRange(
    { from, to, ...key }: RangeValues,
    columns?: readonly (keyof ChatMessage)[],
  ): SelectQueryBuilder<ChatMessage> {
    return this.query(columns).where({ ...key, seq: Between(from, to) });
  }

  private of(session: SessionState): SelectQueryBuilder<ChatMessage> {
    return this.query().where(existing(session));
  }

  private query(
    columns?: readonly (keyof ChatMessage)[],
  ): SelectQueryBuilder<ChatMessage> {
    return selectFrom(this.messages, 'message', columns);
  }
}

function keyOf({ id, ownerId }: SessionKey): Key {
  return { sessionId: id, ownerId };
}

/** Matches the messages that were not cleared. */
function existing(session: SessionState): FindOptionsWhere<ChatMessage> {
  return { ...keyOf(session), seq: MoreThanOrEqual(firstSeqOf(session)) };
}

function valuesOf(
  session: SessionKey,
  { from, to }: MessageRange,
): RangeValues {
  return { ...keyOf(session), from, to };
}
