import { ApiProperty, ApiPropertyOptional, ApiSchema } from '@nestjs/swagger';
import { ErrorBody } from '../../../http/route-errors.js';
import type { RunBody } from '../../answers/run-state.js';
import {
  ApiInteger,
  ApiObject,
  ApiTime,
} from '../../routes/openapi/properties.js';
import {
  type Interrupt,
  RUN_STATUSES,
  type RunStatus,
  type Usage,
} from '../../store/entities/chat-run.entity.js';

/** What an answer has cost, as its provider reports it. */
@ApiSchema({ name: 'ChatUsage' })
export class UsageBody implements Usage {
  /** @example "large" */
  model: string | null;

  /** @example 12 */
  @ApiInteger()
  input_tokens: number;

  /** @example 11 */
  @ApiInteger()
  output_tokens: number;

  /**
   * Input tokens that the provider had in its cache.
   * @example 0
   */
  @ApiInteger()
  cached_tokens: number;

  /**
   * Output tokens that are not in the answer.
   * @example 0
   */
  @ApiInteger()
  reasoning_tokens: number;

  /**
   * In a currency of the client's choice.
   * @example 0.00042
   */
  cost: number;
}

/** An answer that is being written, or was, by one writer. */
@ApiSchema({ name: 'ChatRun' })
export class ChatRunDto implements RunBody {
  /**
   * Unique in its session: the client's own id, or a UUID.
   * @example "run_01"
   */
  id: string;

  /** `active`: its writer writes; `waiting`: for answers to its interrupts; `ready`: to be resumed. The others are how it ended. */
  @ApiProperty({ enum: RUN_STATUSES, example: 'active' })
  status: RunStatus;

  /**
   * The answer.
   * @example "msg_08"
   */
  message_id: string;

  /**
   * The writer's number, which outputs send: 1, and one more after each resume.
   * @example 1
   */
  @ApiInteger()
  fence: number;

  /** @example 30 */
  @ApiInteger()
  lease_seconds: number;

  /**
   * When the run expires unless its writer sends an output, in UTC; null while there is no writer.
   * @example "2026-11-23T01:02:33.456Z"
   */
  @ApiTime()
  lease_until: string | null;

  /**
   * Where the next output starts: UTF-16 units of text, as `string.length` counts, and 1 for each part.
   * @example 0
   */
  @ApiInteger()
  offset: number;

  /** The client's own. */
  @ApiObject()
  metadata: Record<string, unknown>;

  /** Why it failed, as its writer said; null otherwise. */
  @ApiProperty({ nullable: true, example: null })
  error: unknown;

  /** What it waits for. */
  @ApiProperty({
    type: 'array',
    items: {
      type: 'object',
      properties: { id: { type: 'string' } },
      required: ['id'],
      additionalProperties: true,
    },
    example: [],
  })
  interrupts: Interrupt[];

  /**
   * Once its writer has reported it.
   * @example {"model":"large","input_tokens":57,"output_tokens":9,"cached_tokens":0,"reasoning_tokens":0,"cost":0.00042}
   */
  @ApiPropertyOptional()
  usage?: UsageBody;

  /**
   * In UTC.
   * @example "2026-11-23T01:02:03.456Z"
   */
  @ApiTime()
  started_at: string;

  /**
   * In UTC; null while it runs.
   * @example "2026-11-23T01:02:23.000Z"
   */
  @ApiTime()
  ended_at: string | null;
}

/** A conflict; with the run that caused it, if it was one. */
@ApiSchema({ name: 'ChatConflictError' })
export class RunConflictBody extends ErrorBody {
  /**
   * The run as it is.
   * @example {"id":"run_01","status":"active","message_id":"msg_08","fence":1,"lease_seconds":30,"lease_until":"2026-11-23T01:02:33.456Z","offset":0,"metadata":{},"error":null,"interrupts":[],"started_at":"2026-11-23T01:02:03.456Z","ended_at":null}
   */
  @ApiPropertyOptional()
  run?: ChatRunDto;

  /** Where the next output must start. */
  @ApiPropertyOptional({ type: 'integer', example: 12 })
  offset?: number;

  /** The interrupt with its answer. */
  @ApiPropertyOptional({
    type: 'object',
    additionalProperties: true,
    example: { id: 'pay', answer: { approved: true } },
  })
  interrupt?: Interrupt;
}

/** For `RouteErrors`: a 409 may have the run. */
export const RUN_CONFLICT = { 409: RunConflictBody } as const;
