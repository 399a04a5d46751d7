/** One turn. Other fields go along as they are, for the service to judge. */
export interface Message {
  role: string;
  content: string;
  parts?: unknown[] | null;
}

export interface Conversation {
  /** Where it comes from. */
  source: string;
  title?: string | null;
  messages: Message[];
}

/** A line that is no conversation. Its message does not quote it, so that equal mistakes are counted together. */
export class BrokenLine extends Error {}

export interface Line {
  /** Counts from 1, empty lines included. */
  number: number;
  /** Bytes of the file up to the end of this line. */
  end: number;
  conversation: Conversation | BrokenLine;
}

const NEWLINE = 0x0a;

/**
 * The conversations of a file of JSON Lines, one at a time. A broken line is
 * one of the results and does not end them; empty ones are left out. `\r\n`, a
 * byte order mark and a missing last line feed do no harm.
 */
export async function* readConversations(
  chunks: AsyncIterable<Buffer>,
): AsyncGenerator<Line> {
  let number = 0;
  let end = 0;
  for await (const bytes of splitLines(chunks)) {
    number++;
    end += bytes.length;
    const conversation = parseLine(bytes);
    if (conversation) yield { number, end, conversation };
  }
}

/**
 * Lines with their line feed, which alone ends one. node:readline would split
 * at a carriage return too, and from Node 24 on at U+2028 and U+2029, which
 * JSON allows inside a text.
 */
async function* splitLines(
  chunks: AsyncIterable<Buffer>,
): AsyncGenerator<Buffer> {
  let pieces: Buffer[] = [];
  for await (const chunk of chunks) {
    let start = 0;
    for (let end = 0; (end = chunk.indexOf(NEWLINE, start)) >= 0;) {
      yield Buffer.concat([...pieces, chunk.subarray(start, end + 1)]);
      pieces = [];
      start = end + 1;
    }
    pieces.push(chunk.subarray(start));
  }
  yield Buffer.concat(pieces);
}

function parseLine(bytes: Buffer): Conversation | BrokenLine | undefined {
  let value: unknown;
  try {
    // Fatal: what is not UTF-8 must not turn silently into U+FFFD.
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    if (text.trim() === '') return undefined;
    value = JSON.parse(text);
  } catch {
    return new BrokenLine('not JSON in UTF-8');
  }
  const mistake = mistakeIn(value);
  return mistake ? new BrokenLine(mistake) : (value as Conversation);
}

/** Looks at the shape alone; lengths, roles and the like are the service's to judge. */
function mistakeIn(value: unknown): string | undefined {
  if (!isObject(value)) return 'not a JSON object';
  const { source, title, messages, ...others } = value;
  if (typeof source !== 'string') return 'source must be a text';
  if (title != null && typeof title !== 'string') return 'title must be a text';
  if (!Array.isArray(messages) || messages.length === 0) {
    return 'messages must be a list, and not empty';
  }
  if (!messages.every(isMessage)) {
    return 'a message needs role and content, both texts; parts must be a list';
  }
  // Rather than leave behind what it has no place for.
  const unknown = Object.keys(others);
  return unknown.length > 0 ? `unknown field ${unknown.join(', ')}` : undefined;
}

function isMessage(value: unknown): value is Message {
  return (
    isObject(value) &&
    typeof value.role === 'string' &&
    typeof value.content === 'string' &&
    (value.parts == null || Array.isArray(value.parts))
  );
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
