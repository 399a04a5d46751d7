import { Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import { Between, Repository } from 'typeorm';
import { v7 as uuidv7 } from 'uuid';
import { select, selectFrom, Table } from '../../database/statements.js';
import type { Statement, UnitOfWork } from '../../database/unit-of-work.js';
import type { SessionKey } from './chat-sessions.repository.js';
import type { ChatRun, Usage } from './entities/chat-run.entity.js';
import { ChatSession, type UsageSums } from './entities/chat-session.entity.js';
import { ChatUsage } from './entities/chat-usage.entity.js';

export const USAGE_GROUPS = ['day', 'model', 'session'] as const;
export type UsageGroup = (typeof USAGE_GROUPS)[number];

/** The usage of one day, model or session. */
export interface UsageRow extends UsageSums {
  /** The day, the model, which is empty for runs that named none, or the id of the session. */
  group: string;
}

export interface UsageQuery {
  /** Days as `YYYY-MM-DD`, both included. */
  from: string;
  to: string;
  by: UsageGroup;
  /** The group after which the rows begin. */
  after?: string;
  limit: number;
}

/** Billionths: costs are stored and added as whole numbers. */
const NANOS = 1e9;

const COLUMNS = { day: 'day', model: 'model', session: 'sessionId' } as const;

const NONE: UsageSums = {
  runs: 0,
  input_tokens: 0,
  output_tokens: 0,
  cached_tokens: 0,
  reasoning_tokens: 0,
  cost: 0,
};

/** Statements on usage. Every one names the owner. */
@Injectable()
export class ChatUsageRepository {
  private readonly table: Table<ChatUsage>;

  constructor(
    @InjectRepository(ChatUsage)
    private readonly usages: Repository<ChatUsage>,
    @InjectRepository(ChatSession)
    private readonly sessions: Repository<ChatSession>,
  ) {
    this.table = new Table(usages);
  }

  /** The sums of a locked session, with the usage of one more run. */
  *sumWith({ ownerId, id }: SessionKey, usage: Usage): UnitOfWork<UsageSums> {
    const [session] = yield* select(
      selectFrom(this.sessions, 'session', ['usage']).where({ ownerId, id }),
    );
    const sums = session?.usage ?? NONE;
    return {
      runs: sums.runs + 1,
      input_tokens: sums.input_tokens + usage.input_tokens,
      output_tokens: sums.output_tokens + usage.output_tokens,
      cached_tokens: sums.cached_tokens + usage.cached_tokens,
      reasoning_tokens: sums.reasoning_tokens + usage.reasoning_tokens,
      cost: (nanosOf(sums.cost) + nanosOf(usage.cost)) / NANOS,
    };
  }

  insertion(
    { ownerId, sessionId }: ChatRun,
    usage: Usage,
    now: Date,
  ): Statement {
    return this.table.insert([
      {
        ownerId,
        day: now.toISOString().slice(0, 10),
        id: uuidv7(),
        sessionId,
        model: usage.model ?? '',
        inputTokens: usage.input_tokens,
        outputTokens: usage.output_tokens,
        cachedTokens: usage.cached_tokens,
        reasoningTokens: usage.reasoning_tokens,
        costNanos: nanosOf(usage.cost),
      },
    ]);
  }

  /** The sums of an owner's groups, in order of their names. */
  *sums(
    ownerId: string,
    { from, to, by, after, limit }: UsageQuery,
  ): UnitOfWork<UsageRow[]> {
    const column = `usage.${COLUMNS[by]}`;
    const query = this.usages
      .createQueryBuilder('usage')
      .select(column, 'name')
      .addSelect('COUNT(*)', 'runs')
      .where({ ownerId, day: Between(from, to) })
      .groupBy(column)
      .orderBy(column)
      .limit(limit);
    for (const sum of SUMS) query.addSelect(`SUM(usage.${sum})`, sum);
    if (after !== undefined) query.andWhere(`${column} > :after`, { after });
    const { rows } = yield [query];
    return rows.map((row) => ({
      group: String(row.name),
      runs: Number(row.runs),
      input_tokens: Number(row.inputTokens),
      output_tokens: Number(row.outputTokens),
      cached_tokens: Number(row.cachedTokens),
      reasoning_tokens: Number(row.reasoningTokens),
      cost: Number(row.costNanos) / NANOS,
    }));
  }
}

const SUMS = [
  'inputTokens',
  'outputTokens',
  'cachedTokens',
  'reasoningTokens',
  'costNanos',
] as const satisfies readonly (keyof ChatUsage)[];

function nanosOf(cost: number): number {
  return Math.round(cost * NANOS);
}
