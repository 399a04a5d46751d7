import {
  Body,
  Controller,
  HttpCode,
  HttpStatus,
  Post,
  Res,
} from '@nestjs/common';
import { CountedAsOutput } from '../../http/request-kind.js';
import type { HttpResponse } from '../../http/response.js';
import { DtoPipe } from '../../validation/dto.pipe.js';
import { toRunBody } from '../answers/run-state.js';
import { ChatSessionsRoutes } from '../routes/chat-sessions-routes.decorator.js';
import { IdempotencyKeyHeader } from '../routes/headers.js';
import {
  InterruptIdParam,
  RunIdParam,
  SessionKeyParam,
} from '../routes/path-params.js';
import { Replies } from '../routes/replies.js';
import type { SessionKey } from '../store/chat-sessions.repository.js';
import type { WriteOptions } from '../writes/session-writes.js';
import {
  AnswerInterruptDto,
  PauseRunDto,
  ResumeRunDto,
  RunBody,
} from './dto/runs.dto.js';
import {
  ApiAnswerInterrupt,
  ApiPauseRun,
  ApiResumeRun,
} from './interrupts.openapi.js';
import { InterruptsService } from './interrupts.service.js';

/** Runs that wait for answers of a user. */
@ChatSessionsRoutes()
@Controller('chat-sessions/:session_id/runs/:run_id')
export class InterruptsController {
  constructor(
    private readonly interrupts: InterruptsService,
    private readonly replies: Replies,
  ) {}

  @Post('pause')
  @HttpCode(HttpStatus.OK)
  @CountedAsOutput()
  @ApiPauseRun()
  async pause(
    @SessionKeyParam() key: SessionKey,
    @RunIdParam() runId: string,
    @Body(new DtoPipe(PauseRunDto)) body: Readonly<PauseRunDto>,
  ): Promise<RunBody> {
    const { run } = await this.interrupts.pause({ ...key, runId }, body);
    return this.replies.json({ run: toRunBody(run) });
  }

  @Post('interrupts/:interrupt_id')
  @HttpCode(HttpStatus.OK)
  @CountedAsOutput()
  @ApiAnswerInterrupt()
  async answer(
    @SessionKeyParam() key: SessionKey,
    @RunIdParam() runId: string,
    @InterruptIdParam() interruptId: string,
    @Body(new DtoPipe(AnswerInterruptDto)) body: Readonly<AnswerInterruptDto>,
  ): Promise<RunBody> {
    const { answer } = body;
    const runKey = { ...key, runId };
    const { run } = await this.interrupts.answer(runKey, interruptId, answer);
    return this.replies.json({ run: toRunBody(run) });
  }

  @Post('resume')
  @HttpCode(HttpStatus.OK)
  @CountedAsOutput()
  @ApiResumeRun()
  async resume(
    @Res({ passthrough: true }) response: HttpResponse,
    @SessionKeyParam() key: SessionKey,
    @RunIdParam() runId: string,
    @Body(new DtoPipe(ResumeRunDto)) body: Readonly<ResumeRunDto>,
    @IdempotencyKeyHeader() options: WriteOptions,
  ): Promise<RunBody> {
    const lease = { leaseSeconds: body.lease_seconds };
    const resumed = await this.interrupts.resume(
      { ...key, runId },
      lease,
      options,
    );
    if (resumed.replayed) response.header('Idempotent-Replayed', 'true');
    return this.replies.json({ run: toRunBody(resumed.run) });
  }
}
