import { Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import { Between, In, Repository, type SelectQueryBuilder } from 'typeorm';
import { cachedSelect, select } from '../../database/statements.js';
import type { UnitOfWork } from '../../database/unit-of-work.js';
import type { PathPage } from '../tree/path.js';
import {
  has,
  parentOf,
  type SeqRange,
  siblingsOf,
  sizeOf,
  type Tree,
} from '../tree/tree.js';
import {
  ChatMessagesRepository,
  existing,
  keyOf,
} from './chat-messages.repository.js';
import type { SessionState } from './chat-sessions.repository.js';
import { ChatMessage } from './entities/chat-message.entity.js';
import type { ChatSession } from './entities/chat-session.entity.js';
import { fitPage } from './fit-page.js';
import { type Admit, SMALL_BYTES } from './large-reads.js';
import { idKeyOf, idOf, isBlankId, selectMessages } from './message-ids.js';

/** A message with its place in the tree of its session. */
export interface PlacedMessage extends ChatMessage {
  /** The id of its parent; null if it is a root. */
  parentId: string | null;
  /** The seqs of the children of its parent, its own included, if there are several: the nearest 100. */
  siblings?: number[];
}

export interface MessagePage extends Pick<PathPage, 'hasBefore' | 'hasAfter'> {
  messages: PlacedMessage[];
}

/** More would make a page of messages with one parent too large. */
const MAX_SIBLINGS = 100;

/** The seqs of a page: `from` and `to`, or each under a name of its own. */
type Seqs = Record<string, number>;

/** The session and owner of a page, and its seqs. */
type PageValues = Record<string, string | number>;

/** A row with the id of its parent, if that is known without the tree. */
type Row = ChatMessage & { relatedId: string | null };

/** Reads messages with their place in the tree. Every statement names the owner. */
@Injectable()
export class PlacedMessagesRepository {
  private readonly selectPage = cachedSelect((values: PageValues) =>
    this.inPage(values).orderBy('message.seq'),
  );
  private readonly selectPageWithParent = cachedSelect(
    ({ parentSeq, ...values }: PageValues) =>
      this.inPage(values)
        .addSelect(
          (one) =>
            one
              .select(idOf('parent'))
              .from(ChatMessage, 'parent')
              .where('parent.sessionId = :sessionId')
              .andWhere('parent.seq = :parentSeq'),
          'relatedId',
        )
        .setParameters({ sessionId: values.sessionId, parentSeq })
        .orderBy('message.seq'),
  );
  private readonly selectSizes = cachedSelect((values: PageValues) =>
    this.inPage(values, ['seq', 'bytes']),
  );

  constructor(
    @InjectRepository(ChatMessage)
    private readonly messages: Repository<ChatMessage>,
    private readonly others: ChatMessagesRepository,
  ) {}

  /** The messages with these ids, in any order; missing ones are left out. Undefined if the tree is not the one that they are in. */
  *findAll(
    session: SessionState,
    tree: Tree,
    ids: string[],
  ): UnitOfWork<PlacedMessage[] | undefined> {
    const found = yield* select(
      this.query()
        .addSelect(
          (one) =>
            one
              .select(idOf('previous'))
              .from(ChatMessage, 'previous')
              .where('previous.sessionId = message.sessionId')
              .andWhere('previous.seq = message.seq - 1'),
          'relatedId',
        )
        .where(existing(session))
        .andWhere({ idKey: In(ids.map(idKeyOf)) }),
    );
    // They were stored since the tree was read.
    if (found.some(({ seq }) => seq > tree.lastSeq)) return undefined;
    const rows = found.filter(({ seq }) => has(tree, seq));
    const known = new Map(
      (rows as Row[]).map(({ seq, relatedId }) => [seq - 1, relatedId]),
    );
    return yield* this.placed(session, tree, rows, known);
  }

  /**
   * The messages of a page, or of the part of it that fits into its bytes, oldest
   * first. Undefined if there are other messages than the tree says.
   * @param admit is called before the messages are read
   */
  *page(
    session: ChatSession,
    tree: Tree,
    whole: PathPage,
    admit: Admit,
  ): UnitOfWork<MessagePage | undefined> {
    const fitting = yield* this.fitting(session, whole);
    if (!fitting) return undefined;
    const { page, bytes } = fitting;
    const { ranges, hasBefore, hasAfter } = page;
    const [first] = ranges;
    if (!first) return { messages: [], hasBefore, hasAfter };
    admit(bytes);
    const parentSeq = parentOf(tree, first.from);
    const values = { ...keyOf(session), ...seqsOf(ranges) };
    // If the id of no parent were asked for as well, a page of 50 messages would
    // take x 1.05 of the service's processor time, and x 1.14 of the database's
    // (`npx tsx test/bench/statements.ts`).
    const rows = yield* parentSeq === 0
      ? this.selectPage(values)
      : this.selectPageWithParent({ ...values, parentSeq });
    if (rows.length < sizeOf(ranges) || isEditedSince(session, rows)) {
      return undefined;
    }
    const { relatedId = null } = rows[0] as Partial<Row>;
    const known = new Map([[parentSeq, relatedId]]);
    const messages = yield* this.placed(session, tree, rows, known);
    return messages && { messages, hasBefore, hasAfter };
  }

  /**
   * Adds the parents and siblings of rows. Undefined if a parent is missing, or
   * was deleted since the session was read.
   * @param known ids by seq; those of the rows need not be among them
   */
  private *placed(
    session: SessionState,
    tree: Tree,
    rows: ChatMessage[],
    known: Map<number, string | null>,
  ): UnitOfWork<PlacedMessage[] | undefined> {
    for (const { seq, id } of rows) known.set(seq, id);
    const parents = rows.map(({ seq }) => parentOf(tree, seq));
    const unknown = parents.filter((seq) => seq > 0 && !known.has(seq));
    if (unknown.length > 0) {
      const found = yield* this.others.idsOf(session, { seq: In(unknown) });
      for (const { seq, id } of found) known.set(seq, id);
    }
    const isWhole = parents.every((seq) => {
      const id = known.get(seq);
      return seq === 0 || (id != null && !isBlankId(id));
    });
    if (!isWhole) return undefined;
    const families = new Map<number, number[]>();
    return rows.map((row, index) => {
      const parentSeq = parents[index]!;
      const parentId = parentSeq === 0 ? null : known.get(parentSeq)!;
      if (!tree.stretches) return Object.assign(row, { parentId });
      let siblings = families.get(parentSeq);
      if (!siblings) {
        siblings = siblingsOf(tree, row.seq);
        families.set(parentSeq, siblings);
      }
      return Object.assign(
        row,
        { parentId },
        siblings.length > 1 && { siblings: nearest(siblings, row.seq) },
      );
    });
  }

  /** The part of a page that fits into its bytes, and the most bytes that it may have; undefined if its anchor was deleted since. */
  *fitting(
    session: SessionState,
    page: PathPage,
  ): UnitOfWork<{ page: PathPage; bytes: number } | undefined> {
    const count = sizeOf(page.ranges);
    const bytes = count * session.maxMessageBytes;
    if (count <= 1 || bytes <= SMALL_BYTES) return { page, bytes };
    const values = { ...keyOf(session), ...seqsOf(page.ranges) };
    const sizes = yield* this.selectSizes(values);
    return fitPage(page, sizes);
  }

  private inPage(
    { sessionId, ownerId, ...seqs }: PageValues,
    columns?: readonly (keyof ChatMessage)[],
  ): SelectQueryBuilder<ChatMessage> {
    const seq =
      'from' in seqs ? Between(seqs.from, seqs.to) : In(Object.values(seqs));
    return this.query(columns).where({ sessionId, ownerId, seq });
  }

  private query(
    columns?: readonly (keyof ChatMessage)[],
  ): SelectQueryBuilder<ChatMessage> {
    return selectMessages(this.messages, columns);
  }
}

/**
 * One range as it is, several seq by seq: a page has at most 200. SQLite would
 * scan the session for `BETWEEN ? AND ? OR BETWEEN ? AND ?`, and look up each
 * seq for `IN`; so do MySQL and MariaDB.
 */
function seqsOf(ranges: readonly SeqRange[]): Seqs {
  const [first] = ranges;
  if (ranges.length === 1) return { ...first! };
  const seqs = ranges.flatMap(({ from, to }) =>
    Array.from({ length: to - from + 1 }, (_, index) => from + index),
  );
  return Object.fromEntries(seqs.map((seq, index) => [`seq${index}`, seq]));
}

/** Whether a message was changed after its session was read. The time of an edit is later than that of all changes before it. */
function isEditedSince({ updatedAt }: ChatSession, rows: ChatMessage[]) {
  return rows.some(({ editedAt }) => editedAt !== null && editedAt > updatedAt);
}

/** At most 100 of the siblings of a message, around its own seq. */
export function nearest(siblings: number[], seq: number): number[] {
  if (siblings.length <= MAX_SIBLINGS) return siblings;
  const last = siblings.length - MAX_SIBLINGS;
  const start = siblings.indexOf(seq) - MAX_SIBLINGS / 2;
  const first = Math.min(Math.max(start, 0), last);
  return siblings.slice(first, first + MAX_SIBLINGS);
}
