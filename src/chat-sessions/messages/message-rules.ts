import { v7 as uuidv7 } from 'uuid';
import {
  canonicalJsonOf,
  exactItems,
  hasText,
  sortedJsonOf,
  stringifyExactly,
} from '../../json/exact-json.js';
import { shapeOf } from '../../json/json-shape.js';
import { ChatSessionsError } from '../errors.js';
import {
  BYTES_PER_VALUE,
  DERIVED_TITLE_CHARACTERS,
  PREVIEW_CHARACTERS,
} from '../limits.js';
import type { SessionState } from '../store/chat-sessions.repository.js';
import { ChatMessage } from '../store/entities/chat-message.entity.js';
import type {
  ChatSession,
  JsonObject,
} from '../store/entities/chat-session.entity.js';
import { storedIdOf } from '../store/message-ids.js';
import type { PlacedMessage } from '../store/placed-messages.repository.js';
import { textOf } from '../text/text-of-parts.js';
import { startOf } from '../text/text.js';
import { toChatMessage } from './dto/chat-message.dto.js';
import type { CreateChatMessageDto } from './dto/create-chat-message.dto.js';
import type { UpdateChatMessageDto } from './dto/update-chat-message.dto.js';

/** Throws `message_empty`. */
export function refuseEmpty(inputs: CreateChatMessageDto[]): void {
  if (inputs.some(isEmpty)) throw new ChatSessionsError('message_empty');
}

/** Messages that follow each other, the first one a message with the id `parentId`, not stored yet. Throws `message_empty`. */
export function newMessages(
  session: SessionState,
  inputs: CreateChatMessageDto[],
  { now, parentId }: { now: Date; parentId: string | null },
): PlacedMessage[] {
  refuseEmpty(inputs);
  let previousId = parentId;
  return inputs.map((input, index) => {
    const message = Object.assign(new ChatMessage(), {
      sessionId: session.id,
      seq: session.lastSeq + 1 + index,
      ...storedIdOf(input.id ?? uuidv7()),
      ownerId: session.ownerId,
      role: input.role,
      content: contentOf(input),
      parts: partsOf(input),
      references: referencesOf(input),
      metadata: input.metadata ?? {},
      status: null,
      createdAt: now,
      editedAt: null,
      parentId: previousId,
    });
    previousId = message.id;
    message.bytes = sizeOf(message);
    return message;
  });
}

/** A message with changes, not stored yet. Throws `message_empty`. */
export function editedMessage(
  stored: PlacedMessage,
  changes: UpdateChatMessageDto,
  now: Date,
): PlacedMessage {
  const { content, parts, references, metadata } = changes;
  const { role } = stored;
  const isOfParts = stored.content === contentOf({ role, parts: stored.parts });
  const input = {
    role,
    // A content that is the text of the parts changes with them.
    content:
      content === undefined && !(parts?.length && isOfParts)
        ? stored.content
        : content,
    parts: parts === undefined ? stored.parts : parts,
    references: references ?? stored.references,
    metadata: metadata ?? stored.metadata,
  };
  refuseEmpty([input]);
  const edited = Object.assign(new ChatMessage(), stored, {
    content: contentOf(input),
    parts: partsOf(input),
    references: referencesOf(input),
    metadata: input.metadata,
    editedAt: now,
  });
  edited.bytes = sizeOf(edited);
  return edited;
}

/** The bytes of a message in a response; many small values count for more, since they take more memory once they are parsed. */
function sizeOf(message: PlacedMessage): number {
  const json = stringifyExactly(toChatMessage(message));
  const { values } = shapeOf(json);
  return Math.max(Buffer.byteLength(json), BYTES_PER_VALUE * values);
}

/** The fields of a session that change when these messages follow its last. */
export function fieldsWith(session: SessionState, messages: ChatMessage[]) {
  const newest = messages.at(-1)!;
  const finished = messages.findLast(({ status }) => status === null);
  return {
    messageCount: session.messageCount + messages.length,
    lastSeq: newest.seq,
    newestSeq: newest.seq,
    newestId: newest.id,
    maxMessageBytes: messages.reduce(
      (max, { bytes }) => Math.max(max, bytes),
      session.maxMessageBytes,
    ),
    ...(finished && {
      preview: startOf(finished.content, PREVIEW_CHARACTERS),
    }),
    lastMessageAt: newest.createdAt,
    lastActivityAt: newest.createdAt,
  } satisfies Partial<ChatSession>;
}

/** The title of a session without one: the start of the first user message that has a text, in one line. */
export function derivedTitle(messages: ChatMessage[]): string | null {
  for (const { role, content } of messages) {
    const line = role === 'user' && startOfLine(content);
    if (line) return startOf(line, DERIVED_TITLE_CHARACTERS).trimEnd() || null;
  }
  return null;
}

/** Enough of a text for a title, in one line, without byte order marks; empty if the text is blank. */
export function startOfLine(text: string): string {
  let line = '';
  for (const [word] of text.matchAll(/(?:\S|\uFEFF)+/g)) {
    line = `${line} ${word.replaceAll('\uFEFF', '')}`.trimStart();
    if (line.length > 2 * DERIVED_TITLE_CHARACTERS) break;
  }
  return line.trimEnd();
}

/** Stored messages that equal these have no more bytes. The version before wrote some numbers with more digits. */
export function mostBytesOf(messages: ChatMessage[]): number {
  return messages.reduce((sum, { bytes }) => sum + 4 * bytes, 0);
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
  // The version before stored 1.0 as 1.
  return hasText(stored)
    ? canonicalJsonOf(stored) === canonicalJsonOf(sent)
    : sortedJsonOf(stored) === sortedJsonOf(sent);
}

/** Empty parts are null if there is a text. */
function partsOf(input: CreateChatMessageDto): JsonObject[] | null {
  const { parts = null } = input;
  return parts?.length || isBlank(input) ? parts : null;
}

/** A session shows single references, so the text of each is remembered, too. */
function referencesOf({ references = [] }: CreateChatMessageDto): JsonObject[] {
  return exactItems(references);
}

/** The content as sent; without one, the texts of the `text` parts. */
function contentOf({ content, parts }: CreateChatMessageDto): string {
  return content ?? textOf(parts);
}

function isEmpty(input: CreateChatMessageDto): boolean {
  return input.parts == null && isBlank(input);
}

function isBlank(input: CreateChatMessageDto): boolean {
  return contentOf(input).trim() === '';
}
