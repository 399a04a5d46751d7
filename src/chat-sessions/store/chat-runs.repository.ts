import { Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import {
  And,
  type FindOperator,
  type FindOptionsWhere,
  LessThan,
  MoreThanOrEqual,
  Repository,
} from 'typeorm';
import { Database } from '../../database/database.js';
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
import { keyOf } from './chat-messages.repository.js';
import type { SessionKey } from './chat-sessions.repository.js';
import { ChatMessageChunk } from './entities/chat-message-chunk.entity.js';
import { ChatRun } from './entities/chat-run.entity.js';

/** The columns that an output needs. */
const ANSWER = [
  'sessionId',
  'seq',
  'ownerId',
  'status',
  'fence',
  'leaseSeconds',
  'leaseUntil',
  'endOffset',
  'tail',
  'textBytes',
  'bytes',
  'partCount',
] as const satisfies readonly (keyof ChatRun)[];
export type RunAnswer = Pick<ChatRun, (typeof ANSWER)[number]>;

type RunKey = Pick<ChatRun, 'sessionId' | 'seq' | 'ownerId'>;

/** Statements on runs and on the chunks of their answers. Every one names the owner. */
@Injectable()
export class ChatRunsRepository {
  private readonly selectForUpdate = cachedSelect(
    (where: Pick<ChatRun, 'sessionId' | 'ownerId' | 'id'>) =>
      this.database.forUpdate(selectFrom(this.runs, 'run').where(where)),
  );
  private readonly selectAnswer = cachedSelect(
    (where: Pick<ChatRun, 'sessionId' | 'ownerId' | 'id'>) =>
      this.database.forUpdate(
        selectFrom(this.runs, 'run', ANSWER).where(where),
      ),
  );
  private readonly table: Table<ChatRun>;
  private readonly chunkTable: Table<ChatMessageChunk>;

  constructor(
    @InjectRepository(ChatRun)
    private readonly runs: Repository<ChatRun>,
    @InjectRepository(ChatMessageChunk)
    private readonly chunkRows: Repository<ChatMessageChunk>,
    private readonly database: Database,
  ) {
    this.table = new Table(runs);
    this.chunkTable = new Table(chunkRows);
  }

  *find(
    session: SessionKey,
    where: FindOptionsWhere<ChatRun>,
  ): UnitOfWork<ChatRun | undefined> {
    const [run] = yield* select(
      selectFrom(this.runs, 'run').where({ ...keyOf(session), ...where }),
    );
    return run;
  }

  /** Locks a run until the transaction ends. A write that also locks the session locks the session first. */
  *lock(session: SessionKey, id: string): UnitOfWork<ChatRun | undefined> {
    const [run] = yield* this.selectForUpdate({ ...keyOf(session), id });
    return run;
  }

  /** Like `lock`, but only what an output needs. */
  *lockAnswer(
    session: SessionKey,
    id: string,
  ): UnitOfWork<RunAnswer | undefined> {
    const [run] = yield* this.selectAnswer({ ...keyOf(session), id });
    return run;
  }

  /** Like `lock`, for the run of an answer. */
  *lockBySeq(
    session: SessionKey,
    seq: number,
  ): UnitOfWork<ChatRun | undefined> {
    const [run] = yield* select(
      this.database.forUpdate(
        selectFrom(this.runs, 'run').where({ ...keyOf(session), seq }),
      ),
    );
    return run;
  }

  insertion(run: ChatRun): Statement {
    return this.table.insert([run]);
  }

  change(run: RunKey, changes: Partial<ChatRun>): Statement {
    return this.table.update(runKeyOf(run), changes);
  }

  /** Deletes the run of an answer, with its chunks. */
  *delete(session: SessionKey, seq: number): UnitOfWork<void> {
    yield* execute(
      this.runs
        .createQueryBuilder()
        .delete()
        .where({ ...keyOf(session), seq }),
    );
  }

  /** The chunks of an answer that start at an offset or later, and before another, in order. */
  *chunks(
    run: RunKey,
    from: number,
    before: number,
  ): UnitOfWork<ChatMessageChunk[]> {
    return yield* select(
      this.chunksOf(run, And(MoreThanOrEqual(from), LessThan(before))),
    );
  }

  /** All chunks of a locked run, as they are now. */
  *lockChunks(run: RunKey): UnitOfWork<ChatMessageChunk[]> {
    const all = MoreThanOrEqual(0);
    return yield* select(this.database.forUpdate(this.chunksOf(run, all)));
  }

  /** The offset of the last chunk that starts at an offset or before; 0 if there is none. */
  *chunkStart(run: RunKey, offset: number): UnitOfWork<number> {
    const [chunk] = yield* select(
      selectFrom(this.chunkRows, 'chunk', ['startOffset'])
        .where(runKeyOf(run))
        .andWhere('chunk.startOffset <= :offset', { offset })
        .orderBy('chunk.startOffset', 'DESC')
        .limit(1),
    );
    return chunk?.startOffset ?? 0;
  }

  chunkInsertion(chunks: ChatMessageChunk[]): Statement {
    return this.chunkTable.insert(chunks);
  }

  chunkDeletion(run: RunKey): Statement {
    return this.chunkRows.createQueryBuilder().delete().where(runKeyOf(run));
  }

  private chunksOf(run: RunKey, startOffset: FindOperator<number>) {
    return selectFrom(this.chunkRows, 'chunk')
      .where({ ...runKeyOf(run), startOffset })
      .orderBy('chunk.startOffset');
  }
}

function runKeyOf({ sessionId, seq, ownerId }: RunKey): RunKey {
  return { sessionId, seq, ownerId };
}
