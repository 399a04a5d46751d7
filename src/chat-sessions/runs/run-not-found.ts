import { EntityNotFoundError } from 'typeorm';
import type { SessionKey } from '../store/chat-sessions.repository.js';
import { ChatRun } from '../store/entities/chat-run.entity.js';

export function runNotFound(
  { id: sessionId }: SessionKey,
  id: string,
): EntityNotFoundError {
  return new EntityNotFoundError(ChatRun, { sessionId, id });
}
