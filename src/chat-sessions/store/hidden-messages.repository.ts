import { Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import { Between, type FindOptionsWhere, In, Repository } from 'typeorm';
import { select, selectFrom } from '../../database/statements.js';
import {
  execute,
  type Statement,
  type UnitOfWork,
} from '../../database/unit-of-work.js';
import { has, type SeqRange, type Tree } from '../tree/tree.js';
import { keyOf, type MessageKey } from './chat-messages.repository.js';
import type { SessionState } from './chat-sessions.repository.js';
import { ChatMessage } from './entities/chat-message.entity.js';
import { BLANK_ID, idKeyOf } from './message-ids.js';

/** Rows and bytes that are changed at once. Few, because on SQLite this blocks the process. */
const BATCH = { rows: 500, bytes: 4 * 1024 * 1024 };

/**
 * Statements on messages that nobody sees: they were cleared or deleted, but
 * their rows are still there. Every one names the owner.
 */
@Injectable()
export class HiddenMessagesRepository {
  constructor(
    @InjectRepository(ChatMessage)
    private readonly messages: Repository<ChatMessage>,
  ) {}

  /** The statements that blank messages of a locked session, one for each range of seqs. */
  blanks(session: SessionState, ranges: readonly SeqRange[]): Statement[] {
    return ranges.map(({ from, to }) =>
      this.blank(session, { seq: Between(from, to) }),
    );
  }

  /** Blanks the first messages of a range. Returns the last seq of the batch; undefined if the range has no rows. */
  *blankBatch(
    session: SessionState,
    range: SeqRange,
  ): UnitOfWork<number | undefined> {
    const batch = yield* this.firstOf(keyOf(session), range);
    if (batch) yield* execute(...this.blanks(session, [batch]));
    return batch?.to;
  }

  /** Deletes the first messages of a range. Returns false if it has no rows. */
  *deleteBatch(key: MessageKey, range: SeqRange): UnitOfWork<boolean> {
    const batch = yield* this.firstOf(key, range);
    if (!batch) return false;
    const { sessionId, ownerId } = key;
    const seq = Between(batch.from, batch.to);
    yield* execute(
      this.messages
        .createQueryBuilder()
        .delete()
        .where({ sessionId, ownerId, seq }),
    );
    return true;
  }

  /** Blanks the messages with these ids that are not in the tree, which frees the ids. Returns whether there were any. */
  *freeIds(
    session: SessionState,
    tree: Tree,
    ids: string[],
  ): UnitOfWork<boolean> {
    const rows = yield* select(
      selectFrom(this.messages, 'message', ['seq']).where({
        ...keyOf(session),
        idKey: In(ids.map(idKeyOf)),
      }),
    );
    const hidden = rows.map(({ seq }) => seq).filter((seq) => !has(tree, seq));
    if (hidden.length === 0) return false;
    yield* execute(this.blank(session, { seq: In(hidden) }));
    return true;
  }

  /**
   * A blank row says nothing but its role and its time. Whoever has read the
   * session before the row was hidden sees by `editedAt`, or by the id alone, that
   * the message has changed since.
   */
  private blank(
    session: SessionState,
    where: FindOptionsWhere<ChatMessage>,
  ): Statement {
    return this.messages
      .createQueryBuilder()
      .update()
      .set({
        idKey: () => BLANK_ID,
        longId: null,
        content: '',
        parts: null,
        references: [],
        metadata: {},
        status: null,
        bytes: 0,
        editedAt: new Date(session.updatedAt.getTime() + 1),
      })
      .where({ ...keyOf(session), ...where });
  }

  /** The first rows of a range, up to the size of a batch; undefined if it has none. */
  private *firstOf(
    { sessionId, ownerId }: MessageKey,
    { from, to }: SeqRange,
  ): UnitOfWork<SeqRange | undefined> {
    const rows = yield* select(
      selectFrom(this.messages, 'message', ['seq', 'bytes'])
        .where({ sessionId, ownerId, seq: Between(from, to) })
        .orderBy('message.seq')
        .limit(BATCH.rows),
    );
    const [first] = rows;
    if (!first) return undefined;
    let bytes = 0;
    const next = rows.find((row) => (bytes += row.bytes) > BATCH.bytes);
    const end = next ? Math.max(next.seq - 1, first.seq) : rows.at(-1)!.seq;
    return { from: first.seq, to: end };
  }
}
