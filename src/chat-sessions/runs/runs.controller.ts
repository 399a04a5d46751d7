import {
  Body,
  Controller,
  Get,
  HttpCode,
  HttpStatus,
  Post,
  Res,
} from '@nestjs/common';
import { MayCutPairs } from '../../http/json-body.guard.js';
import { CountedAsOutput } from '../../http/request-kind.js';
import type { HttpResponse } from '../../http/response.js';
import {
  DtoPipe,
  ValidationFailedException,
} from '../../validation/dto.pipe.js';
import { toRunBody } from '../answers/run-state.js';
import { toChatMessage } from '../messages/dto/chat-message.dto.js';
import { ChatSessionsRoutes } from '../routes/chat-sessions-routes.decorator.js';
import { WriteHeaders } from '../routes/headers.js';
import { RunIdParam, SessionKeyParam } from '../routes/path-params.js';
import { Replies } from '../routes/replies.js';
import type { SessionKey } from '../store/chat-sessions.repository.js';
import type { WriteOptions } from '../writes/session-writes.js';
import {
  EndedRunBody,
  FinishRunDto,
  OutputBody,
  OutputDto,
  RunBody,
  StartedRunBody,
  StartRunDto,
} from './dto/runs.dto.js';
import { RunOutputsService } from './run-outputs.service.js';
import {
  ApiCancelRun,
  ApiFinishRun,
  ApiGetRun,
  ApiStartRun,
  ApiWriteOutput,
} from './runs.openapi.js';
import { RunsService } from './runs.service.js';

@ChatSessionsRoutes()
@Controller('chat-sessions/:session_id/runs')
export class RunsController {
  constructor(
    private readonly runs: RunsService,
    private readonly outputs: RunOutputsService,
    private readonly replies: Replies,
  ) {}

  @Post()
  @ApiStartRun()
  async start(
    @Res({ passthrough: true }) response: HttpResponse,
    @SessionKeyParam() key: SessionKey,
    @Body(new DtoPipe(StartRunDto)) body: Readonly<StartRunDto>,
    @WriteHeaders() options: WriteOptions,
  ): Promise<StartedRunBody> {
    const started = await this.runs.start(key, body, options);
    const messages = started.messages.map(toChatMessage);
    const message = messages.pop()!;
    const run = toRunBody(started.run);
    return this.replies.written(response, started, { run, messages, message });
  }

  @Get(':run_id')
  @ApiGetRun()
  async get(
    @SessionKeyParam() key: SessionKey,
    @RunIdParam() runId: string,
  ): Promise<RunBody> {
    const run = await this.outputs.get({ ...key, runId });
    return this.replies.json({ run: toRunBody(run) });
  }

  @Post(':run_id/output')
  @HttpCode(HttpStatus.OK)
  @MayCutPairs('text')
  @CountedAsOutput()
  @ApiWriteOutput()
  async write(
    @SessionKeyParam() key: SessionKey,
    @RunIdParam() runId: string,
    @Body(new DtoPipe(OutputDto)) body: Readonly<OutputDto>,
  ): Promise<OutputBody> {
    const { fence, offset, text, parts } = body;
    const content = text ?? parts;
    if (content === undefined) {
      throw new ValidationFailedException(['text or parts must be given']);
    }
    const output = { fence, offset, content };
    const stored = await this.outputs.write({ ...key, runId }, output);
    return this.replies.json({
      offset: stored.offset,
      lease_until: stored.leaseUntil.toISOString(),
    });
  }

  @Post(':run_id/finish')
  @HttpCode(HttpStatus.OK)
  @CountedAsOutput()
  @ApiFinishRun()
  async finish(
    @Res({ passthrough: true }) response: HttpResponse,
    @SessionKeyParam() key: SessionKey,
    @RunIdParam() runId: string,
    @Body(new DtoPipe(FinishRunDto)) body: Readonly<FinishRunDto>,
  ): Promise<EndedRunBody> {
    const ended = await this.runs.finish({ ...key, runId }, body);
    const { session, run, message } = ended;
    return this.replies.versioned(response, session, {
      run: toRunBody(run),
      message: toChatMessage(message),
    });
  }

  @Post(':run_id/cancel')
  @HttpCode(HttpStatus.OK)
  @CountedAsOutput()
  @ApiCancelRun()
  async cancel(
    @Res({ passthrough: true }) response: HttpResponse,
    @SessionKeyParam() key: SessionKey,
    @RunIdParam() runId: string,
  ): Promise<EndedRunBody> {
    const { session, run, message } = await this.runs.cancel({ ...key, runId });
    return this.replies.versioned(response, session, {
      run: toRunBody(run),
      message: toChatMessage(message),
    });
  }
}
