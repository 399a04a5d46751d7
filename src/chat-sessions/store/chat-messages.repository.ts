import { Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import {
  type FindOptionsWhere,
  In,
  MoreThanOrEqual,
  Repository,
  type SelectQueryBuilder,
} from 'typeorm';
import { cachedSelect, select, Table } from '../../database/statements.js';
import {
  execute,
  type Statement,
  type UnitOfWork,
} from '../../database/unit-of-work.js';
import { firstSeqOf, NO_TREE } from '../tree/stored-tree.js';
import {
  has,
  lengthOf,
  nextIn,
  type SeqRange,
  type Tree,
} from '../tree/tree.js';
import type { SessionKey, SessionState } from './chat-sessions.repository.js';
import {
  ChatMessage,
  type MessageRole,
} from './entities/chat-message.entity.js';
import type { ChatSession } from './entities/chat-session.entity.js';
import { SMALL_BYTES } from './large-reads.js';
import { idKeyOf, selectMessages } from './message-ids.js';

/** Columns that tell which session a message belongs to. */
export type MessageKey = Pick<ChatMessage, 'sessionId' | 'ownerId'>;

/** The fields of a session that has no messages. */
export const NO_MESSAGES = {
  ...NO_TREE,
  newestSeq: null,
  newestId: null,
  maxMessageBytes: 0,
  preview: null,
  lastMessageAt: null,
} satisfies Partial<ChatSession>;

/**
 * Statements on messages. Every one names the owner. Messages before the first
 * seq of their session were cleared, and wait for their removal.
 */
@Injectable()
export class ChatMessagesRepository {
  private readonly selectId = cachedSelect(
    (where: MessageKey & { seq: number }) => this.query(['id']).where(where),
  );
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
    return (yield* this.selectId({ ...keyOf(session), seq }))[0]?.id;
  }

  /** The seq of the message with an id, or undefined if the tree has none. */
  *seqOf(
    session: SessionState,
    tree: Tree,
    id: string,
  ): UnitOfWork<number | undefined> {
    const found = yield* this.idsOf(session, { idKey: idKeyOf(id) });
    return found.find(({ seq }) => has(tree, seq))?.seq;
  }

  /**
   * The size of the messages with these ids; 0, without a query, if it cannot
   * exceed 1 MiB. A hundred messages can have 100 MiB. Without the tree, hidden
   * messages count, too.
   */
  *bytesOf(
    session: SessionState,
    ids: string[],
    tree?: Tree,
  ): UnitOfWork<number> {
    if (ids.length * session.maxMessageBytes <= SMALL_BYTES) return 0;
    const sizes = yield* select(
      this.query(['seq', 'bytes'])
        .where(existing(session))
        .andWhere({ idKey: In(ids.map(idKeyOf)) }),
    );
    return sizes
      .filter(({ seq }) => !tree || has(tree, seq))
      .reduce((sum, { bytes }) => sum + bytes, 0);
  }

  /** The starts of the first messages of a role whose content is not empty. */
  *firstTexts(
    session: SessionState,
    tree: Tree,
    { role, messages, characters }: FirstTexts,
  ): UnitOfWork<string[]> {
    const texts: string[] = [];
    let from: number | undefined = tree.firstSeq;
    while (from !== undefined) {
      const rows: ChatMessage[] = yield* select(
        this.startsOf(characters, ['seq'])
          .where({ ...keyOf(session), seq: MoreThanOrEqual(from) })
          .andWhere({ role })
          .andWhere("message.content <> ''")
          .orderBy('message.seq')
          .limit(messages),
      );
      for (const { seq, content } of rows) {
        if (has(tree, seq)) texts.push(content);
      }
      if (rows.length < messages || texts.length >= messages) break;
      // Hidden ones were among them: goes on behind those.
      from = nextIn(tree, rows.at(-1)!.seq);
    }
    return texts.slice(0, messages);
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
    status,
    bytes,
    editedAt,
  }: ChatMessage): Statement {
    return this.table.update(
      { sessionId, seq, ownerId },
      { content, parts, references, metadata, status, bytes, editedAt },
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
    yield* execute(
      this.messages.createQueryBuilder().delete().where(existing(session)),
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

interface FirstTexts {
  role: MessageRole;
  /** The most messages. */
  messages: number;
  /** The most characters of each. */
  characters: number;
}

export function keyOf({ id, ownerId }: SessionKey): MessageKey {
  return { sessionId: id, ownerId };
}

/** Matches the messages that were not cleared. */
export function existing(session: SessionState): FindOptionsWhere<ChatMessage> {
  return { ...keyOf(session), seq: MoreThanOrEqual(firstSeqOf(session)) };
}
