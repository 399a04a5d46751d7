/** One message. Other fields are sent unchanged, and the service decides about them. */
export interface Message {
  role: string;
  content: string;
  parts?: unknown[] | null;
}

export interface Conversation {
  /** Origin of the conversation; stored as `metadata.source`. */
  source: string;
  title?: string | null;
  messages: Message[];
}

/** The error of a line that holds no conversation. Its message does not quote the line, so that equal problems are counted together. */
export class BrokenLine extends Error {}

export interface Line {
  /** Number of the line, from 1; empty lines count. */
  number: number;
  /** Bytes of the file up to the end of the line. */
  end: number;
  conversation: Conversation | BrokenLine;
}

const NEWLINE = 0x0a;

/**
 * Yields the conversations of a file of JSON Lines. A broken line yields a
 * `BrokenLine` and reading goes on; empty lines yield nothing. Accepts `\r\n`, a byte
 * order mark, and a last line without a line feed.
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
 * Yields lines with their line feed. Only a line feed ends a line: node:readline
 * would also split at carriage returns, and from Node 24 on at U+2028 and U+2029,
 * which JSON allows inside a string.
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
    // Without `fatal`, bytes that are not UTF-8 would silently become U+FFFD.
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    if (text.trim() === '') return undefined;
    value = JSON.parse(text);
  } catch {
    return new BrokenLine('not JSON in UTF-8');
  }
  const problem = problemIn(value);
  return problem ? new BrokenLine(problem) : (value as Conversation);
}

/** Checks only the shape. The service checks lengths, roles and so on. */
function problemIn(value: unknown): string | undefined {
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
  // Dropping fields that have no place would lose data.
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
