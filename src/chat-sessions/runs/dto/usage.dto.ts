import { applyDecorators } from '@nestjs/common';
import { ApiPropertyOptional, ApiSchema } from '@nestjs/swagger';
import { IsIn, IsInt, Matches, Max, Min } from 'class-validator';
import { IsOpaqueId, Optional } from '../../../validation/decorators.js';
import { UsageSumsDto } from '../../messages/dto/usage-sums.dto.js';
import {
  USAGE_GROUPS,
  type UsageGroup,
  type UsageRow,
} from '../../store/chat-usage.repository.js';

const DAY = /^\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])$/;

function Day(description: string): PropertyDecorator {
  return applyDecorators(
    ApiPropertyOptional({ type: String, pattern: DAY.source, description }),
    Optional(),
    Matches(DAY, { message: '$property must be a day as YYYY-MM-DD' }),
  );
}

export class UsageQueryDto {
  @Day(
    'The first day, in UTC, such as `2026-11-01`: by default 29 days before `to`.',
  )
  from?: string;

  @Day('The last day, in UTC: by default today.')
  to?: string;

  /**
   * What the sums are of: `day`, `model` or `session`.
   * @example "day"
   */
  @ApiPropertyOptional({
    type: String,
    pattern: `^(?:${USAGE_GROUPS.join('|')})$`,
  })
  @IsIn(USAGE_GROUPS)
  by: UsageGroup = 'day';

  /**
   * How many sums: 10 to 1,000.
   * @example 100
   */
  @ApiPropertyOptional({
    type: 'integer',
    minimum: 10,
    maximum: 1000,
    default: 100,
  })
  // Runs without a model come first, and null is no `after`: they must not end a page.
  @IsInt()
  @Min(10)
  @Max(1000)
  limit: number = 100;

  /** The day, model or session id of the last row of the page before. */
  @ApiPropertyOptional()
  @Optional()
  @IsOpaqueId()
  after?: string;
}

@ApiSchema({ name: 'ChatUsageRow' })
export class UsageRowDto extends UsageSumsDto {
  /**
   * Only with `by=day`.
   * @example "2026-11-23"
   */
  @ApiPropertyOptional({ type: String })
  day?: string;

  /**
   * Only with `by=model`; null for runs that named none.
   * @example "large"
   */
  @ApiPropertyOptional({ type: String, nullable: true })
  model?: string | null;

  /**
   * Only with `by=session`. The session may have been deleted since.
   * @example "019ae1c4-7d5e-7c3a-9f10-3b1f6f0c2a55"
   */
  @ApiPropertyOptional({ type: String })
  session_id?: string;
}

@ApiSchema({ name: 'ChatUsageList' })
export class UsageListBody {
  /** In order of day, model or session. */
  usage: UsageRowDto[];

  /** Whether there are more rows after these. */
  has_after: boolean;
}

export function toUsageRow(
  by: UsageGroup,
  { group, ...sums }: UsageRow,
): UsageRowDto {
  if (by === 'day') return { day: group, ...sums };
  if (by === 'model') return { model: group || null, ...sums };
  return { session_id: group, ...sums };
}
