import { applyDecorators } from '@nestjs/common';
import {
  ApiBody,
  ApiOkResponse,
  ApiOperation,
  ApiParam,
} from '@nestjs/swagger';
import { RouteErrors } from '../../http/route-errors.js';
import { MESSAGE_ID_SCHEMA } from '../../validation/decorators.js';
import {
  ApiIdempotencyKey,
  errorsOf,
  named,
} from '../routes/openapi/decorators.js';
import { EXAMPLES } from '../routes/openapi/examples.js';
import {
  AnswerInterruptDto,
  PauseRunDto,
  ResumeRunDto,
  RunBody,
} from './dto/runs.dto.js';
import { OF_RUN, ofRun } from './runs.openapi.js';

export const ApiPauseRun = () =>
  applyDecorators(
    ApiOperation({
      operationId: 'pauseRun',
      summary: '3. Wait for an approval',
      description:
        'The run has no writer and no lease until all interrupts are answered; it does not expire.',
    }),
    ofRun(),
    ApiBody({
      type: PauseRunDto,
      examples: named({ 'A payment': EXAMPLES.pause }),
    }),
    ApiOkResponse({
      description: 'The run waits.',
      type: RunBody,
      example: EXAMPLES.pausedRun,
    }),
    RouteErrors({
      ...OF_RUN,
      hasBody: true,
      errors: errorsOf('run_ended', 'run_waiting', 'fence_stale'),
      failure: 'Failed to pause run',
    }),
  );

export const ApiAnswerInterrupt = () =>
  applyDecorators(
    ApiOperation({
      operationId: 'answerInterrupt',
      summary: '4. Answer an interrupt',
      description:
        'The first answer counts; a later one gets 409 with the first in `interrupt`. After the last one the run is `ready`.',
    }),
    ofRun(),
    ApiParam({
      name: 'interrupt_id',
      description: 'The id of an interrupt of the run.',
      schema: { ...MESSAGE_ID_SCHEMA, example: EXAMPLES.interruptId },
    }),
    ApiBody({
      type: AnswerInterruptDto,
      examples: named({ Approval: EXAMPLES.interruptAnswer }),
    }),
    ApiOkResponse({
      description: 'The run.',
      type: RunBody,
      example: EXAMPLES.readyRun,
    }),
    RouteErrors({
      ...OF_RUN,
      notFound: 'Run or interrupt not found',
      hasBody: true,
      errors: errorsOf('run_ended', 'interrupt_answered'),
      failure: 'Failed to answer interrupt',
    }),
  );

export const ApiResumeRun = () =>
  applyDecorators(
    ApiOperation({
      operationId: 'resumeRun',
      summary: '5. Resume a run',
      description:
        'Makes the caller the writer of a run that is `ready`, with a new fence: the first who asks.',
    }),
    ofRun(),
    ApiIdempotencyKey(),
    ApiBody({
      type: ResumeRunDto,
      examples: named({ 'With the lease it had': EXAMPLES.resume }),
    }),
    ApiOkResponse({
      description: 'The run with its new fence.',
      type: RunBody,
      example: EXAMPLES.resumedRun,
    }),
    RouteErrors({
      ...OF_RUN,
      hasBody: true,
      errors: errorsOf(
        'run_ended',
        'run_not_ready',
        'key_in_use',
        'key_reused',
      ),
      failure: 'Failed to resume run',
    }),
  );
