import { isDeepStrictEqual } from 'node:util';
import { v7 as uuidv7 } from 'uuid';
import { ChatSessionsError } from '../errors.js';
import { DERIVED_TITLE_CHARACTERS, PREVIEW_CHARACTERS } from '../limits.js';
import type { SessionState } from '../store/chat-sessions.repository.js';
import { ChatMessage } from '../store/entities/chat-message.entity.js';
import type {
  ChatSession,
  JsonObject,
} from '../store/entities/chat-session.entity.js';
import { toChatMessage } from './dto/chat-message.dto.js';
import type { CreateChatMessageDto } from './dto/create-chat-message.dto.js';
import { startOf } from './text.js';

/** The fields of a session that has no messages. */
export const NO_MESSAGES = {
  messageCount: 0,
  maxMessageBytes: 0,
  preview: null,
  lastMessageAt: null,
} satisfies Partial<ChatSession>;

/** Messages that follow the session's last, not stored yet. Throws `message_empty`. */
export function newMessages(
  session: SessionState,
  inputs: CreateChatMessageDto[],
  now: Date,
): ChatMessage[] {
  return inputs.map((input, index) => {
    const content = contentOf(input);
    const message = Object.assign(new ChatMessage(), {
      sessionId: session.id,
      seq: session.lastSeq + 1 + index,
      id: input.id ?? uuidv7(),
      ownerId: session.ownerId,
      role: input.role,
      content,
      parts: partsOf(input),
      references: input.references ?? [],
      metadata: input.metadata ?? {},
      createdAt: now,
    });
    if (isEmpty(message)) throw new ChatSessionsError('message_empty');
    message.bytes = Buffer.byteLength(JSON.stringify(toChatMessage(message)));
    return message;
  });
}

/** The fields of a session that change when these messages follow its last. */
export function fieldsWith(session: SessionState, messages: ChatMessage[]) {
  const newest = messages.at(-1)!;
  return {
    messageCount: session.messageCount + messages.length,
    lastSeq: newest.seq,
    maxMessageBytes: messages.reduce(
      (max, { bytes }) => Math.max(max, bytes),
      session.maxMessageBytes,
    ),
    preview: startOf(newest.content, PREVIEW_CHARACTERS),
    lastMessageAt: newest.createdAt,
    lastActivityAt: newest.createdAt,
  } satisfies Partial<ChatSession>;
}

/** The title of a session without one: the start of the first user message that has a text, in one line. */
export function derivedTitle(messages: ChatMessage[]): string | null {
  const texts = messages
    .filter(({ role }) => role === 'user')
    .map(({ content }) => oneLine(content));
  const first = texts.find((text) => text !== '');
  return first ? startOf(first, DERIVED_TITLE_CHARACTERS).trimEnd() : null;
}

/** Without line breaks, white space around, and byte order marks, which programs of Windows put before a text. */
function oneLine(text: string): string {
  return text.replaceAll('\uFEFF', '').replaceAll(/\s+/g, ' ').trim();
}

/** Whether a stored message equals what this input would create. */
export function isRepeated(
  stored: ChatMessage,
  input: CreateChatMessageDto,
): boolean {
  return (
    stored.role === input.role &&
    stored.content === contentOf(input) &&
    isSameJson(stored.parts, partsOf(input)) &&
    isSameJson(stored.references, input.references ?? []) &&
    isSameJson(stored.metadata, input.metadata ?? {})
  );
}

/** Compares without regard to the order of keys. */
function isSameJson(stored: unknown, sent: unknown): boolean {
  return isDeepStrictEqual(stored, JSON.parse(JSON.stringify(sent)));
}

function partsOf({ parts }: CreateChatMessageDto): JsonObject[] | null {
  return parts?.length ? parts : null;
}

/** The content as sent; without one, the texts of the `text` parts. */
function contentOf({ content, parts }: CreateChatMessageDto): string {
  return (
    content ??
    (parts ?? [])
      .filter(isText)
      .map(({ text }) => text)
      .join('\n')
  );
}

function isText(part: JsonObject): part is { type: 'text'; text: string } {
  return part.type === 'text' && typeof part.text === 'string';
}

function isEmpty({ content, parts }: ChatMessage): boolean {
  return (
    content.trim() === '' &&
    (parts ?? []).every((part) => isText(part) && part.text.trim() === '')
  );
}
