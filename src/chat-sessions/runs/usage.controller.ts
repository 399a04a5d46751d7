import { Controller, Get, Query } from '@nestjs/common';
import { DtoPipe } from '../../validation/dto.pipe.js';
import { ChatSessionsRoutes } from '../routes/chat-sessions-routes.decorator.js';
import { Owner } from '../routes/owner.guard.js';
import { Replies } from '../routes/replies.js';
import { toUsageRow, UsageListBody, UsageQueryDto } from './dto/usage.dto.js';
import { ApiGetUsage } from './runs.openapi.js';
import { UsageService } from './usage.service.js';

@ChatSessionsRoutes()
@Controller('usage')
export class UsageController {
  constructor(
    private readonly usage: UsageService,
    private readonly replies: Replies,
  ) {}

  @Get()
  @ApiGetUsage()
  async list(
    @Owner() ownerId: string,
    @Query(new DtoPipe(UsageQueryDto)) query: Readonly<UsageQueryDto>,
  ): Promise<UsageListBody> {
    const { rows, hasAfter } = await this.usage.list(ownerId, query);
    return this.replies.json({
      usage: rows.map((row) => toUsageRow(query.by, row)),
      has_after: hasAfter,
    });
  }
}
