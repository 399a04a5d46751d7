import { canonicalJsonOf, exactArray, jsonOf } from '../../json/exact-json.js';
import { ChatSessionsError } from '../errors.js';
import { LIMITS } from '../limits.js';
import type { ChatMessageChunk } from '../store/entities/chat-message-chunk.entity.js';
import type { ChatRun } from '../store/entities/chat-run.entity.js';
import type { JsonObject } from '../store/entities/chat-session.entity.js';
import { textOf } from '../text/text-of-parts.js';

// An answer is a sequence of texts and parts. An offset counts the UTF-16 units of
// the texts, as `string.length` does, and 1 for each part. The last text is in the
// row of the run, what comes before it in chunks: an output of some words changes
// one row, and a text of 1 MiB that arrives letter by letter has 2,000 rows.

/** A text, or parts. */
export type Content = string | JsonObject[];

export type Piece = Pick<ChatMessageChunk, 'startOffset' | 'content'>;

/** What a run knows of its answer. */
export type Answer = Pick<
  ChatRun,
  'endOffset' | 'tail' | 'textBytes' | 'bytes' | 'partCount'
>;

export interface Output {
  offset: number;
  content: Content;
}

export const NO_ANSWER: Answer = {
  endOffset: 0,
  tail: '',
  textBytes: 0,
  bytes: 0,
  partCount: 0,
};

/** UTF-16 units of a text that is moved from the run to a chunk. */
const CHUNK_LENGTH = 512;

/** Where the text begins that is in no chunk. */
export function tailOffsetOf({ endOffset, tail }: Answer): number {
  return endOffset - tail.length;
}

/** The pieces of an answer. */
export function piecesOf(answer: Answer, chunks: readonly Piece[]): Piece[] {
  const { tail } = answer;
  const last = { startOffset: tailOffsetOf(answer), content: tail };
  return tail === '' ? [...chunks] : [...chunks, last];
}

/** Whether these are all chunks of the answer, no fewer and no more. */
export function isWhole(answer: Answer, chunks: readonly Piece[]): boolean {
  const length = chunks.reduce((sum, { content }) => sum + content.length, 0);
  return length === tailOffsetOf(answer);
}

/**
 * What of an output is new: undefined if all of it is stored. Throws
 * `offset_mismatch` if it starts beyond the end, or differs from what is stored.
 * @param pieces those from the output's offset on, at least
 */
export function newPartOf(
  { endOffset }: Answer,
  pieces: readonly Piece[],
  { offset, content }: Output,
): Content | undefined {
  const known = Math.min(content.length, endOffset - offset);
  const stored = known > 0 ? between(pieces, offset, offset + known) : [];
  const isSame =
    known <= 0 ||
    (stored.length === 1 && isEqual(stored[0]!, content.slice(0, known)));
  if (offset > endOffset || !isSame) {
    throw new ChatSessionsError('offset_mismatch', { offset: endOffset });
  }
  const added = content.slice(known);
  if (added.length === 0) return undefined;
  return typeof added === 'string' ? added : exactArray(added);
}

/** An answer with more at its end, and its new chunks. Throws `answer_too_large`. */
export function grown(
  {
    endOffset,
    tail,
    textBytes: ofText,
    bytes: ofAll,
    partCount: parts,
  }: Answer,
  content: Content,
): { answer: Answer; chunks: Piece[] } {
  const answer = {
    endOffset,
    tail,
    textBytes: ofText,
    bytes: ofAll,
    partCount: parts,
  };
  const next =
    typeof content === 'string'
      ? withText(answer, content)
      : withParts(answer, content);
  const { textBytes, bytes, partCount } = next.answer;
  if (
    textBytes > LIMITS.contentBytes ||
    bytes > LIMITS.answerBytes ||
    partCount > LIMITS.partsPerMessage
  ) {
    throw new ChatSessionsError('answer_too_large');
  }
  return next;
}

/** The parts of a whole answer, null if it is only text; and its text, if so. */
export function assembled(pieces: readonly Piece[]): {
  content: string | undefined;
  parts: JsonObject[] | null;
} {
  const contents = merged(pieces.map(({ content }) => content));
  if (contents.every((content) => typeof content === 'string')) {
    const text = (contents[0] ?? '').toWellFormed();
    // Like every message without a text.
    return { content: text, parts: text.trim() === '' ? [] : null };
  }
  const parts = contents.flatMap((content) =>
    typeof content === 'string'
      ? [{ type: 'text', text: content.toWellFormed() }]
      : content,
  );
  return { content: undefined, parts: exactArray(parts) };
}

function withText(answer: Answer, text: string) {
  const tail = answer.tail + text;
  const joins = isHigh(answer.tail.at(-1)) && isLow(text.at(0));
  // Each half of a pair counts as three bytes, and both together as four.
  const added = Buffer.byteLength(text) - (joins ? 2 : 0);
  const grownAnswer = {
    ...answer,
    endOffset: answer.endOffset + text.length,
    textBytes: answer.textBytes + added,
    bytes: answer.bytes + added,
    // A text that goes on is one part.
    partCount: answer.partCount + (answer.tail === '' ? 1 : 0),
  };
  if (tail.length < CHUNK_LENGTH) {
    return { answer: { ...grownAnswer, tail }, chunks: [] };
  }
  // A character is left, which tells that the answer ends with a text.
  const isPair = isHigh(tail.at(-2)) && isLow(tail.at(-1));
  const end = tail.length - (isPair ? 2 : 1);
  const startOffset = tailOffsetOf(answer);
  const chunk = { startOffset, content: tail.slice(0, end) };
  return { answer: { ...grownAnswer, tail: tail.slice(end) }, chunks: [chunk] };
}

function withParts(answer: Answer, parts: JsonObject[]) {
  const { endOffset, tail, partCount, textBytes, bytes } = answer;
  const last = { startOffset: tailOffsetOf(answer), content: tail };
  return {
    answer: {
      ...answer,
      endOffset: endOffset + parts.length,
      tail: '',
      textBytes: textBytes + Buffer.byteLength(textOf(parts)),
      bytes: bytes + Buffer.byteLength(jsonOf(parts)),
      partCount: partCount + parts.length,
    },
    chunks: [
      ...(tail === '' ? [] : [last]),
      { startOffset: endOffset, content: parts },
    ],
  };
}

/** The contents from one offset to another, neighbours of one kind as one. */
function between(pieces: readonly Piece[], from: number, to: number) {
  const contents = pieces.map(({ startOffset, content }) =>
    content.slice(
      Math.max(from - startOffset, 0),
      Math.max(to - startOffset, 0),
    ),
  );
  return merged(contents.filter(({ length }) => length > 0));
}

function merged(contents: readonly Content[]): Content[] {
  const all: Content[] = [];
  for (const content of contents) {
    const last = all.at(-1);
    if (typeof last === 'string' && typeof content === 'string') {
      all[all.length - 1] = last + content;
    } else if (Array.isArray(last) && Array.isArray(content)) {
      all[all.length - 1] = [...last, ...content];
    } else all.push(content);
  }
  return all;
}

function isEqual(stored: Content, sent: Content): boolean {
  if (typeof stored === 'string' || typeof sent === 'string') {
    return stored === sent;
  }
  return stored.every(
    (part, index) => canonicalJsonOf(part) === canonicalJsonOf(sent[index]),
  );
}

function isHigh(unit = ''): boolean {
  return /^[\uD800-\uDBFF]$/.test(unit);
}

function isLow(unit = ''): boolean {
  return /^[\uDC00-\uDFFF]$/.test(unit);
}
