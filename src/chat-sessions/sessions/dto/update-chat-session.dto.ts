import { ApiProperty, ApiSchema } from '@nestjs/swagger';
import { IsBoolean, IsOptional } from 'class-validator';
import {
  IsJsonObject,
  MaxJsonBytes,
  Optional,
} from '../../../validation/decorators.js';
import { LIMITS } from '../../limits.js';
import { ApiObject } from '../../routes/openapi/properties.js';
import {
  ChatSessionFields,
  PlainChatSessionFields,
} from './chat-session-fields.dto.js';

const OPEN_PATCH = {
  type: 'object',
  additionalProperties: true,
  nullable: true,
} as const;

/** Changes of a session: what is given replaces what was, whole; a title of null clears it. */
@ApiSchema({ name: 'ChatSessionChanges' })
export class UpdateChatSessionDto extends ChatSessionFields {
  /** @example true */
  @Optional()
  @IsBoolean()
  pinned?: boolean;

  /** @example false */
  @Optional()
  @IsBoolean()
  archived?: boolean;
}

/** A merge patch of a session (RFC 7396). The limits of `metadata` and `config` hold for what it makes of them. */
@ApiSchema({ name: 'ChatSessionMergePatch' })
export class MergeChatSessionDto extends PlainChatSessionFields {
  /** @example true */
  @Optional()
  @IsBoolean()
  pinned?: boolean;

  /** @example false */
  @Optional()
  @IsBoolean()
  archived?: boolean;

  /** Changes of the metadata: members are merged, at any depth, and null removes one; null instead of the object removes all. */
  @ApiProperty({ ...OPEN_PATCH, example: { folder: null } })
  @IsOptional()
  @IsJsonObject()
  metadata?: Record<string, unknown> | null;

  /** Changes of the configuration, merged in the same way. */
  @ApiProperty({ ...OPEN_PATCH, example: { temperature: 0.7 } })
  @IsOptional()
  @IsJsonObject()
  config?: Record<string, unknown> | null;
}

/** The open JSON of a session after a merge patch. */
export class MergedChatSessionDto {
  @Optional()
  @MaxJsonBytes(LIMITS.metadataBytes)
  metadata?: Record<string, unknown>;

  @Optional()
  @MaxJsonBytes(LIMITS.configBytes)
  config?: Record<string, unknown>;
}

@ApiSchema({ name: 'ChatSessionConfig' })
export class ReplaceConfigDto {
  /** How the client wants to chat, at most 64 KiB of JSON. */
  @ApiObject({ example: { model: 'large', temperature: 0.2 } })
  @IsJsonObject()
  @MaxJsonBytes(LIMITS.configBytes)
  config: Record<string, unknown>;
}
