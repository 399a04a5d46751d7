import { LIMITS } from '../../src/chat-sessions/limits.js';
import type { Connection } from './connection.js';

const WORDS = 20;
const QUESTION = { role: 'user', content: 'And then?' };
/** Long enough for a busy machine. */
const LEASE_SECONDS = 300;

/** Texts, one after the other, in pieces of 20 words. */
export function inPieces(texts: readonly string[]): string[] {
  const words = texts.join(' ').match(/\S+\s*/g) ?? [];
  return Array.from({ length: Math.floor(words.length / WORDS) }, (_, n) =>
    words.slice(n * WORDS, (n + 1) * WORDS).join(''),
  );
}

/** As many pieces as the longest answer has: 1 MiB. The last one fills it up. */
export function longest(pieces: readonly string[]): string[] {
  const all: string[] = [];
  let left = LIMITS.contentBytes;
  for (let n = 0; ; n++) {
    const piece = pieces[n % pieces.length]!;
    const bytes = Buffer.byteLength(piece);
    if (bytes > left) return [...all, 'x'.repeat(left)];
    all.push(piece);
    left -= bytes;
  }
}

/** The writer of one answer. */
export class RunWriter {
  private readonly written: string[] = [];
  private offset = 0;

  private constructor(
    private readonly connection: Connection,
    private readonly path: string,
  ) {}

  /** @param session its path */
  static async start(
    connection: Connection,
    session: string,
  ): Promise<RunWriter> {
    const path = `${session}/runs`;
    const start = { messages: [QUESTION], lease_seconds: LEASE_SECONDS };
    const { run } = JSON.parse(await connection.post(path, start, 201)) as {
      run: { id: string };
    };
    return new RunWriter(connection, `${path}/${run.id}`);
  }

  async output(text: string): Promise<void> {
    const { offset } = this;
    const output = { fence: 1, offset, text };
    await this.connection.post(`${this.path}/output`, output, 200);
    this.offset += text.length;
    this.written.push(text);
  }

  /** Returns the milliseconds that it took. Throws unless the answer is what was written. */
  async finish(): Promise<number> {
    const startedAt = performance.now();
    const finish = { fence: 1, status: 'completed' };
    const text = await this.connection.post(`${this.path}/finish`, finish, 200);
    const took = performance.now() - startedAt;
    const { message } = JSON.parse(text) as { message: { content: string } };
    if (message.content !== this.written.join('')) {
      throw new Error(`${this.path}: the answer is not what was written`);
    }
    return took;
  }
}
