import { ApiSchema } from '@nestjs/swagger';
import { IsBoolean } from 'class-validator';
import {
  IsJsonObject,
  MaxJsonBytes,
  Optional,
} from '../../../validation/decorators.js';
import { LIMITS } from '../../limits.js';
import { ApiObject } from '../../routes/openapi/properties.js';
import { ChatSessionFields } from './chat-session-fields.dto.js';

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

@ApiSchema({ name: 'ChatSessionConfig' })
export class ReplaceConfigDto {
  /** How the client wants to chat, at most 64 KiB of JSON. */
  @ApiObject({ example: { model: 'large', temperature: 0.2 } })
  @IsJsonObject()
  @MaxJsonBytes(LIMITS.configBytes)
  config: Record<string, unknown>;
}
