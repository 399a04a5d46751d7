import { HttpStatus } from '@nestjs/common';
import { Reply } from '../../http/reply.js';
import type {
  Appended,
  Conversation,
} from '../messages/chat-messages.service.js';
import type { Created } from '../sessions/chat-session-creation.js';
import type {
  SessionPage,
  SessionView,
} from '../sessions/chat-sessions.service.js';
import {
  type ChatMessageBody,
  type ChatMessagePage,
  type ChatMessagesBody,
  toChatMessage,
} from '../messages/dto/chat-message.dto.js';
import {
  type ChatSessionBody,
  type ChatSessionCreatedBody,
  type ChatSessionListBody,
  toChatSession,
  toChatSessionSummary,
} from '../sessions/dto/chat-session.dto.js';
import type { ChatSession } from '../store/entities/chat-session.entity.js';
import { encodeCursor } from '../sessions/cursor.js';
import { entityTagOf } from '../writes/entity-tag.js';
import type { Written } from '../writes/idempotency/idempotency.js';
import { firstSeqOf } from '../store/message-range.js';

/** A body with the ETag of the session that it is about. */
export function versioned<Body>(session: ChatSession, body: Body): Reply<Body> {
  return new Reply(body, { headers: { ETag: entityTagOf(session) } });
}

/** As `versioned`, of a write that may be the answer to a request sent again: 201, or 200 where it made nothing new. */
export function writtenReply<Body>(
  { session, created, replayed }: Written,
  body: Body,
): Reply<Body> {
  return new Reply(body, {
    status: created ? HttpStatus.CREATED : HttpStatus.OK,
    headers: {
      ETag: entityTagOf(session),
      ...(replayed && { 'Idempotent-Replayed': 'true' }),
    },
  });
}

export function sessionReply({
  session,
  messages,
}: SessionView): Reply<ChatSessionBody> {
  return versioned(session, { chat_session: toChatSession(session, messages) });
}

export function createdReply(created: Created): Reply<ChatSessionBody> {
  const { session, messages } = created;
  return writtenReply(created, {
    chat_session: toChatSession(session, messages),
  });
}

/** As `createdReply`; a new session comes with a message. */
export function sectionReply(
  created: Created,
): Reply<ChatSessionBody | ChatSessionCreatedBody> {
  const chat_session = toChatSession(created.session, created.messages);
  const message = 'Chat session created successfully';
  return writtenReply(
    created,
    created.created ? { chat_session, message } : { chat_session },
  );
}

/** In the shape of the request. */
export function appendedReply(
  appended: Appended,
  isBatch: boolean,
): Reply<ChatMessageBody | ChatMessagesBody> {
  const messages = appended.messages.map(toChatMessage);
  return writtenReply(
    appended,
    isBatch ? { messages } : { message: messages[0]! },
  );
}

export function toChatSessionList({
  sessions,
  next,
}: SessionPage): ChatSessionListBody {
  return {
    chat_sessions: sessions.map(toChatSessionSummary),
    next_cursor: next ? encodeCursor(next) : null,
  };
}

/** Whether there is more on either side follows from the range, as seqs have no gaps. */
export function toChatMessagePage({
  session,
  messages,
  range,
}: Conversation): ChatMessagePage {
  const isCleared = session.messageCount === 0;
  return {
    messages: messages.map(toChatMessage),
    has_before: !isCleared && range.from > firstSeqOf(session),
    has_after: !isCleared && range.to < session.lastSeq,
  };
}
