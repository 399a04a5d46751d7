import { Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import {
  Between,
  type FindOptionsWhere,
  In,
  LessThan,
  MoreThanOrEqual,
  Repository,
  type SelectQueryBuilder,
} from 'typeorm';
import { select, Table } from '../../database/statements.js';
import {
  execute,
  type Statement,
  type UnitOfWork,
} from '../../database/unit-of-work.js';
import { firstSeqOf, NO_TREE } from '../tree/stored-tree.js';
import { lengthOf, type SeqRange } from '../tree/tree.js';
import type { SessionKey, SessionState } from './chat-sessions.repository.js';
import {
  ChatMessage,
  type MessageRole,
} from './entities/chat-message.entity.js';
import type { ChatPurge } from './entities/chat-purge.entity.js';
import type { ChatSession } from './entities/chat-session.entity.js';
import { SMALL_BYTES } from './large-reads.js';
import { idKeyOf, selectMessages } from './message-ids.js';

/** Columns that tell which session a message belongs to. */
type MessageKey = Pick<ChatMessage, 'sessionId' | 'ownerId'>;

/** The fields of a session that has no messages. */
export const NO_MESSAGES = {
  ...NO_TREE,
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
  private readonly table: Table<ChatMessage>;

  constructor(
    @InjectRepository(ChatMessage)
    private readonly messages: Repository<ChatMessage>,
  ) {
    this.table = new Table(messages);
  }

  /** The ids and seqs of some messages. */
  *idsOf(
    session: SessionState,
    where: FindOptionsWhere<ChatMessage>,
  ): UnitOfWork<ChatMessage[]> {
    return yield* select(
      this.query(['id', 'seq']).where(existing(session)).andWhere(where),
    );
  }

  /** The id of the message of a seq, or undefined. */
  *idOf(session: SessionState, seq: number): UnitOfWork<string | undefined> {
    return (yield* this.idsOf(session, { seq }))[0]?.id;
  }

  /** The seq of the message with an id, or undefined. */
  *seqOf(session: SessionState, id: string): UnitOfWork<number | undefined> {
    return (yield* this.idsOf(session, { idKey: idKeyOf(id) }))[0]?.seq;
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
        .andWhere({ idKey: In(ids.map(idKeyOf)) }),
    );
    return sizes.reduce((sum, { bytes }) => sum + bytes, 0);
  }

  /** The starts of the first messages of a role whose content is not empty. */
  *firstTexts(
    session: SessionState,
    role: MessageRole,
    limits: { messages: number; characters: number },
  ): UnitOfWork<string[]> {
    const rows = yield* select(
      this.startsOf(limits.characters)
        .where(existing(session))
        .andWhere({ role })
        .andWhere("message.content <> ''")
        .orderBy('message.seq')
        .limit(limits.messages),
    );
    return rows.map(({ content }) => content);
  }

  /** The statement that inserts messages. */
  insertion(messages: ChatMessage[]): Statement {
    return this.table.insert(messages);
  }

  /** The statements that copy messages to a session of the same owner, one for each range of seqs. There, their seqs follow each other. */
  copies(
    { id, ownerId }: SessionKey,
    ranges: readonly SeqRange[],
    target: { id: string; firstSeq: number },
  ): Statement[] {
    let { firstSeq } = target;
    return ranges.map((range) => {
      const { from, to } = range;
      const values = [target.id, from - firstSeq, id, ownerId, from, to];
      firstSeq += lengthOf(range);
      return this.table.copy(
        { sessionId: '?', seq: 'seq - ?' },
        'session_id = ? AND owner_id = ? AND seq BETWEEN ? AND ?',
        values,
      );
    });
  }

  /** The statement that changes what a message says. */
  change({
    sessionId,
    seq,
    ownerId,
    content,
    parts,
    references,
    metadata,
    bytes,
    editedAt,
  }: ChatMessage): Statement {
    return this.table.update(
      { sessionId, seq, ownerId },
      { content, parts, references, metadata, bytes, editedAt },
    );
  }

  /** The statements that delete messages, one for each range of seqs. */
  deletions(session: SessionKey, ranges: readonly SeqRange[]): Statement[] {
    return ranges.map(({ from, to }) =>
      this.messages
        .createQueryBuilder()
        .delete()
        .where({ ...keyOf(session), seq: Between(from, to) }),
    );
  }

  /** The start of a message's content, and when it was stored. */
  *startOf(
    session: SessionKey,
    seq: number,
    characters: number,
  ): UnitOfWork<Pick<ChatMessage, 'content' | 'createdAt'> | undefined> {
    const [start] = yield* select(
      this.startsOf(characters, ['createdAt']).where({
        ...keyOf(session),
        seq,
      }),
    );
    return start;
  }

  *deleteAll(session: SessionState): UnitOfWork<void> {
    yield* this.delete(existing(session));
  }

  /** Deletes cleared messages with these ids. Returns whether there were any. */
  *deleteCleared(session: SessionState, ids: string[]): UnitOfWork<boolean> {
    const seq = LessThan(firstSeqOf(session));
    const idKey = In(ids.map(idKeyOf));
    return (yield* this.delete({ ...keyOf(session), seq, idKey })) > 0;
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

  /** Selects the start of the content. */
  private startsOf(
    characters: number,
    others: readonly (keyof ChatMessage)[] = [],
  ): SelectQueryBuilder<ChatMessage> {
    const start = `SUBSTR(message.content, 1, ${characters})`;
    return this.query(others).addSelect(start, 'content');
  }

  private query(
    columns?: readonly (keyof ChatMessage)[],
  ): SelectQueryBuilder<ChatMessage> {
    return selectMessages(this.messages, columns);
  }
}

export function keyOf({ id, ownerId }: SessionKey): MessageKey {
  return { sessionId: id, ownerId };
}

/** Matches the messages that were not cleared. */
export function existing(session: SessionState): FindOptionsWhere<ChatMessage> {
  return { ...keyOf(session), seq: MoreThanOrEqual(firstSeqOf(session)) };
}
