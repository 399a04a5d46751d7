import { applyDecorators } from '@nestjs/common';
import {
  ApiBody,
  ApiOkResponse,
  ApiOperation,
  ApiParam,
  ApiQuery,
} from '@nestjs/swagger';
import { RouteErrors } from '../../http/route-errors.js';
import {
  MESSAGE_ID_RULE,
  MESSAGE_ID_SCHEMA,
} from '../../validation/decorators.js';
import { RUN_CONFLICT } from '../messages/dto/chat-run.dto.js';
import {
  ApiIdempotencyKey,
  ApiIfMatch,
  ApiSessionId,
  ApiVersioned,
  ApiWritten,
  errorsOf,
  named,
  OF_SESSION,
} from '../routes/openapi/decorators.js';
import { EXAMPLES } from '../routes/openapi/examples.js';
import {
  EndedRunBody,
  FinishRunDto,
  OutputBody,
  OutputDto,
  RunBody,
  StartedRunBody,
  StartRunDto,
} from './dto/runs.dto.js';
import { UsageListBody, UsageQueryDto } from './dto/usage.dto.js';

export const OF_RUN = {
  invalid: `run_id ${MESSAGE_ID_RULE}`,
  notFound: 'Run not found',
  types: RUN_CONFLICT,
};

const ApiRunId = () =>
  ApiParam({
    name: 'run_id',
    description: "The run's own id, unique in its session.",
    schema: { ...MESSAGE_ID_SCHEMA, example: EXAMPLES.runId },
  });

export const ofRun = () => applyDecorators(ApiSessionId(), ApiRunId());

export const ApiStartRun = () =>
  applyDecorators(
    ApiOperation({
      operationId: 'startRun',
      summary: '1. Start a run',
      description:
        'Appends the question and opens an answer, which this caller writes until its lease runs out; every output renews it. Meanwhile nobody else can start a run or append, clear, delete or replace messages. Choose the `id`, or send an Idempotency-Key, to repeat a start safely.',
    }),
    ApiSessionId(),
    ApiIdempotencyKey(),
    ApiIfMatch(),
    ApiBody({
      type: StartRunDto,
      examples: named({ 'A question': EXAMPLES.newRun }),
    }),
    ApiWritten(201, 'The run, the question and the open answer.', {
      type: StartedRunBody,
      example: EXAMPLES.startedRun,
    }),
    ApiWritten(200, 'The run, as it is now: it was started before.', {
      type: StartedRunBody,
      example: EXAMPLES.startedRun,
    }),
    RouteErrors({
      ...OF_SESSION,
      types: RUN_CONFLICT,
      hasBody: true,
      errors: errorsOf(
        'run_active',
        'run_id_taken',
        'message_empty',
        'parent_unknown',
        'messages_gone',
        'too_many_branches',
        'message_id_taken',
        'key_in_use',
        'version_moved',
        'key_reused',
      ),
      failure: 'Failed to start run',
    }),
  );

export const ApiGetRun = () =>
  applyDecorators(
    ApiOperation({ operationId: 'getRun', summary: 'Get a run' }),
    ofRun(),
    ApiOkResponse({
      description: 'The run.',
      type: RunBody,
      example: EXAMPLES.run,
    }),
    RouteErrors({ ...OF_RUN, failure: 'Failed to get run' }),
  );

export const ApiWriteOutput = () =>
  applyDecorators(
    ApiOperation({
      operationId: 'writeRunOutput',
      summary: '2. Write an output',
      description:
        'Adds a text, or parts, to the answer and renews the lease. It is stored when it is answered. The same output may be sent again. 409 with `offset` says where the next one must start; `run_ended` says, with `run`, that the run was stopped or has expired.',
    }),
    ofRun(),
    ApiBody({
      type: OutputDto,
      examples: named({ 'Some words': EXAMPLES.output }),
    }),
    ApiOkResponse({
      description: 'Stored.',
      type: OutputBody,
      example: EXAMPLES.storedOutput,
    }),
    RouteErrors({
      ...OF_RUN,
      hasBody: true,
      errors: errorsOf(
        'run_ended',
        'run_waiting',
        'fence_stale',
        'offset_mismatch',
        'answer_too_large',
      ),
      failure: 'Failed to write output',
    }),
  );

export const ApiFinishRun = () =>
  applyDecorators(
    ApiOperation({
      operationId: 'finishRun',
      summary: '6. Finish a run',
      description:
        'The answer is what was written, unless `content` or `parts` replace it. Sent again, it returns the run. Usage is counted once.',
    }),
    ofRun(),
    ApiBody({
      type: FinishRunDto,
      examples: named({
        'After a resume': EXAMPLES.finish,
        'Without a pause': EXAMPLES.finishWithoutPause,
      }),
    }),
    ApiVersioned(200, 'The run and its answer.', {
      type: EndedRunBody,
      example: EXAMPLES.endedRun,
    }),
    RouteErrors({
      ...OF_RUN,
      hasBody: true,
      errors: errorsOf(
        'message_empty',
        'run_ended',
        'run_waiting',
        'fence_stale',
      ),
      failure: 'Failed to finish run',
    }),
  );

export const ApiCancelRun = () =>
  applyDecorators(
    ApiOperation({
      operationId: 'cancelRun',
      summary: '7. Stop a run',
      description:
        'From any device. What is written stays, as an answer with the status `partial`; the writer learns of it from its next output. A run that has ended is returned as it is.',
    }),
    ofRun(),
    ApiVersioned(200, 'The run and its answer.', {
      type: EndedRunBody,
      example: EXAMPLES.endedRun,
    }),
    RouteErrors({ ...OF_RUN, hasBody: true, failure: 'Failed to stop run' }),
  );

export const ApiGetUsage = () =>
  applyDecorators(
    ApiOperation({
      operationId: 'getUsage',
      summary: 'Usage by day, model or session',
      description:
        "Sums of what the caller's runs have reported, those of deleted sessions included; at most two years.",
    }),
    ApiQuery({ type: UsageQueryDto }),
    ApiOkResponse({
      description: 'A page of sums.',
      type: UsageListBody,
      example: EXAMPLES.usage,
    }),
    RouteErrors({
      invalid: 'to must be a day from 0 to 730 days after from',
      failure: 'Failed to get usage',
    }),
  );
