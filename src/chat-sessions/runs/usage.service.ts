import { Injectable } from '@nestjs/common';
import { Database } from '../../database/database.js';
import { ValidationFailedException } from '../../validation/dto.pipe.js';
import {
  ChatUsageRepository,
  type UsageQuery,
  type UsageRow,
} from '../store/chat-usage.repository.js';

const DAY_MS = 24 * 60 * 60 * 1000;
const DEFAULT_DAYS = 30;
/** The most days of one query: two years. */
const MAX_DAYS = 731;

export interface UsagePage {
  rows: UsageRow[];
  hasAfter: boolean;
}

/** What the runs of an owner have cost, those of deleted sessions included. */
@Injectable()
export class UsageService {
  constructor(
    private readonly database: Database,
    private readonly usages: ChatUsageRepository,
  ) {}

  /** Sums by day, model or session. Throws ValidationFailedException if the days are too many, or in the wrong order. */
  async list(
    ownerId: string,
    {
      from,
      to = dayOf(Date.now()),
      ...query
    }: Partial<Pick<UsageQuery, 'from' | 'to'>> &
      Omit<UsageQuery, 'from' | 'to'>,
  ): Promise<UsagePage> {
    const end = Date.parse(to);
    const start = from ?? dayOf(end - (DEFAULT_DAYS - 1) * DAY_MS);
    const days = (end - Date.parse(start)) / DAY_MS + 1;
    if (!(days >= 1 && days <= MAX_DAYS)) {
      throw new ValidationFailedException([
        `to must be a day from 0 to ${MAX_DAYS - 1} days after from`,
      ]);
    }
    const { limit } = query;
    const found = await this.database.read(() =>
      this.usages.sums(ownerId, {
        ...query,
        from: start,
        to,
        limit: limit + 1,
      }),
    );
    return { rows: found.slice(0, limit), hasAfter: found.length > limit };
  }
}

function dayOf(time: number): string {
  return new Date(time).toISOString().slice(0, 10);
}
