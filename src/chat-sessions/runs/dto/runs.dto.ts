import { applyDecorators } from '@nestjs/common';
import { ApiProperty, ApiPropertyOptional, ApiSchema } from '@nestjs/swagger';
import {
  ArrayMaxSize,
  ArrayMinSize,
  IsArray,
  IsIn,
  IsInt,
  IsNumber,
  IsOptional,
  IsString,
  Max,
  Min,
} from 'class-validator';
import {
  ExclusiveWith,
  IsInterrupt,
  IsJsonObject,
  IsMessageId,
  IsOpaqueId,
  IsTypedPart,
  MaxJsonBytes,
  MESSAGE_ID_SCHEMA,
  NestedArray,
  NestedObject,
  Optional,
} from '../../../validation/decorators.js';
import { LEASE_SECONDS, LIMITS } from '../../limits.js';
import { ChatMessageDto } from '../../messages/dto/chat-message.dto.js';
import { ChatRunDto } from '../../messages/dto/chat-run.dto.js';
import {
  ChatMessageFields,
  CreateChatMessageDto,
  UniqueIds,
} from '../../messages/dto/create-chat-message.dto.js';
import { MaxTextBytes } from '../../messages/text-parts.js';
import {
  ApiInteger,
  ApiObject,
  ApiParts,
  ApiTime,
} from '../../routes/openapi/properties.js';
import type { Interrupt } from '../../store/entities/chat-run.entity.js';

const { min, max } = LEASE_SECONDS;

class LeaseDto {
  /**
   * The run expires if its writer sends no output for so long: 5 to 300 seconds.
   * @example 30
   */
  @ApiPropertyOptional({ type: 'integer', minimum: min, maximum: max })
  @Optional()
  @IsInt()
  @Min(min)
  @Max(max)
  lease_seconds?: number;
}

/** A question, and the answer that a writer begins. */
@ApiSchema({ name: 'NewChatRun' })
export class StartRunDto extends LeaseDto {
  /**
   * An id of the client's own, which makes the start safe to repeat. The rules are those of a message's id.
   * @example "run_01"
   */
  @Optional()
  @IsMessageId()
  id?: string;

  /** The question: at most 100 messages, which are appended. None answers what is there. */
  @ApiPropertyOptional({ maxItems: LIMITS.messagesPerBatch })
  @Optional()
  @IsArray()
  @NestedArray(() => CreateChatMessageDto, LIMITS.messagesPerBatch)
  @UniqueIds()
  messages?: CreateChatMessageDto[];

  /** The message that the first one follows: by default the last one that the session shows; null begins a new conversation beside the others. */
  @ApiPropertyOptional({
    ...MESSAGE_ID_SCHEMA,
    nullable: true,
    example: 'msg_04',
  })
  @IsOptional()
  @IsMessageId()
  parent_id?: string | null;

  /**
   * The id of the answer: by default a UUID.
   * @example "msg_08"
   */
  @Optional()
  @IsMessageId()
  message_id?: string;

  /** What happens if an answer is being written: `reject` this start with 409, or `cancel` that run first. */
  @ApiPropertyOptional({
    enum: ['reject', 'cancel'],
    default: 'reject',
    example: 'reject',
  })
  @IsIn(['reject', 'cancel'])
  if_active: 'reject' | 'cancel' = 'reject';

  /** The client's own, at most 64 KiB of JSON. */
  @ApiObject()
  @Optional()
  @IsJsonObject()
  @MaxJsonBytes(LIMITS.metadataBytes)
  metadata?: Record<string, unknown>;
}

/** More than any fence or offset. */
const MAX_INTEGER = 2 ** 31 - 1;

function Fence(): PropertyDecorator {
  return applyDecorators(
    ApiProperty({
      type: 'integer',
      minimum: 1,
      maximum: MAX_INTEGER,
      example: 1,
      description: 'The fence that the start or the last resume has returned.',
    }),
    IsInt(),
    Min(1),
    Max(MAX_INTEGER),
  );
}

/** A piece of an answer: a text, or parts. */
@ApiSchema({ name: 'ChatRunOutput' })
export class OutputDto {
  @Fence()
  fence: number;

  /**
   * Where it starts in the answer: UTF-16 units of the text before it, as `string.length` counts, and 1 for each part.
   * @example 0
   */
  @ApiProperty({
    type: 'integer',
    minimum: 0,
    maximum: MAX_INTEGER,
    example: 0,
  })
  @IsInt()
  @Min(0)
  @Max(MAX_INTEGER)
  offset: number;

  /**
   * May end in the middle of a surrogate pair. An empty text only renews the lease.
   * @example "One large mocha, "
   */
  @ApiPropertyOptional({ type: String })
  @Optional()
  @IsString()
  @ExclusiveWith('parts')
  text?: string;

  /** 1 to 2,000 typed parts, kept exactly as sent. */
  @ApiParts({
    minItems: 1,
    maxItems: LIMITS.partsPerMessage,
    nullable: false,
  })
  @Optional()
  @IsArray()
  @ArrayMinSize(1)
  @ArrayMaxSize(LIMITS.partsPerMessage)
  @IsTypedPart({ each: true })
  @MaxTextBytes(LIMITS.contentBytes)
  parts?: Record<string, unknown>[];
}

function Tokens(): PropertyDecorator {
  return applyDecorators(
    ApiPropertyOptional({
      type: 'integer',
      minimum: 0,
      maximum: MAX_TOKENS,
      default: 0,
      example: 12,
    }),
    IsInt(),
    Min(0),
    Max(MAX_TOKENS),
  );
}

/** Sums stay exact: of tokens for a million such runs, of costs for nine thousand. */
const MAX_TOKENS = 1e9;
const MAX_COST = 1e3;

/** What an answer has cost, as its provider reports it. */
@ApiSchema({ name: 'ChatRunUsage' })
export class UsageDto {
  /** @example "large" */
  @ApiPropertyOptional({ type: String, nullable: true })
  @IsOptional()
  @IsOpaqueId()
  model: string | null = null;

  @Tokens()
  input_tokens: number = 0;

  @Tokens()
  output_tokens: number = 0;

  @Tokens()
  cached_tokens: number = 0;

  @Tokens()
  reasoning_tokens: number = 0;

  /**
   * In a currency of your choice, kept to nine decimals; at most 1,000.
   * @example 0.00042
   */
  @ApiPropertyOptional({
    type: Number,
    minimum: 0,
    maximum: MAX_COST,
    default: 0,
  })
  @IsNumber()
  @Min(0)
  @Max(MAX_COST)
  cost: number = 0;
}

/** The end of an answer. What is given of a message replaces what was written. */
@ApiSchema({ name: 'ChatRunFinish' })
export class FinishRunDto extends ChatMessageFields {
  @Fence()
  fence: number;

  /** `failed` leaves a partial answer. */
  @ApiProperty({ enum: ['completed', 'failed'], example: 'completed' })
  @IsIn(['completed', 'failed'])
  status: 'completed' | 'failed';

  /**
   * What it has cost. It is counted once.
   * @example {"model":"large","input_tokens":57,"output_tokens":9,"cached_tokens":0,"reasoning_tokens":0,"cost":0.00042}
   */
  @Optional()
  @NestedObject(() => UsageDto)
  usage?: UsageDto;

  /** Why it failed, at most 64 KiB of JSON. */
  @ApiObject({ example: { code: 'overloaded' } })
  @Optional()
  @IsJsonObject()
  @MaxJsonBytes(LIMITS.metadataBytes)
  error?: Record<string, unknown>;
}

/** A pause until somebody has answered. */
@ApiSchema({ name: 'ChatRunPause' })
export class PauseRunDto {
  @Fence()
  fence: number;

  /** 1 to 100 questions, each an object with an `id`, at most 64 KiB of JSON together. */
  @ApiProperty({
    type: 'array',
    minItems: 1,
    maxItems: LIMITS.interruptsPerRun,
    items: {
      type: 'object',
      properties: { id: MESSAGE_ID_SCHEMA },
      required: ['id'],
      additionalProperties: true,
    },
    example: [{ id: 'pay', question: 'May I charge $4.50?' }],
  })
  @IsArray()
  @ArrayMinSize(1)
  @ArrayMaxSize(LIMITS.interruptsPerRun)
  @IsInterrupt({ each: true })
  @UniqueIds()
  @MaxJsonBytes(LIMITS.metadataBytes)
  interrupts: Interrupt[];
}

/** An answer to an interrupt: the first one counts. */
@ApiSchema({ name: 'ChatRunInterruptAnswer' })
export class AnswerInterruptDto {
  /** At most 64 KiB of JSON. */
  @ApiObject({ example: { approved: true } })
  @IsJsonObject()
  @MaxJsonBytes(LIMITS.metadataBytes)
  answer: Record<string, unknown>;
}

@ApiSchema({ name: 'ChatRunResume' })
export class ResumeRunDto extends LeaseDto {}

@ApiSchema({ name: 'ChatRunBody' })
export class RunBody {
  run: ChatRunDto;
}

/** A run with its question, and its answer in `message`. */
@ApiSchema({ name: 'ChatRunStarted' })
export class StartedRunBody extends RunBody {
  /** The question, as stored. */
  messages: ChatMessageDto[];

  message: ChatMessageDto;
}

/** A run with its answer. */
@ApiSchema({ name: 'ChatRunEnded' })
export class EndedRunBody extends RunBody {
  message: ChatMessageDto;
}

@ApiSchema({ name: 'ChatRunOutputStored' })
export class OutputBody {
  /**
   * Where the next output starts.
   * @example 17
   */
  @ApiInteger()
  offset: number;

  /**
   * When the run expires unless there is another output, in UTC.
   * @example "2026-11-23T01:02:33.456Z"
   */
  @ApiTime()
  lease_until: string;
}
