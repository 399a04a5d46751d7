import type { QueryRunner } from 'typeorm';

interface Part {
  type?: string;
  text?: unknown;
}
type Content = string | Part[];

interface Run {
  session_id: string;
  seq: number;
  tail: string;
}

/**
 * Writes what is written of each answer into its message, for a version that
 * knows no runs. Run again, it does the same.
 */
export async function foldOpenAnswers(queryRunner: QueryRunner): Promise<void> {
  const runs = (await queryRunner.query(
    "SELECT session_id, seq, tail FROM chat_runs WHERE status IN ('active', 'waiting', 'ready')",
  )) as Run[];
  for (const { session_id, seq, tail } of runs) {
    const chunks = (await queryRunner.query(
      'SELECT content FROM chat_message_chunks WHERE session_id = ? AND seq = ? ORDER BY start_offset',
      [session_id, seq],
    )) as { content: string }[];
    const { content, parts } = folded([
      ...chunks.map((chunk) => chunk.content),
      tail,
    ]);
    const added = Buffer.byteLength(JSON.stringify(content) + (parts ?? ''));
    await queryRunner.query(
      'UPDATE chat_messages SET content = ?, parts = ?, bytes = bytes + ? WHERE session_id = ? AND seq = ?',
      [content, parts, added, session_id, seq],
    );
    await queryRunner.query(
      `UPDATE chat_sessions SET max_message_bytes = (SELECT bytes FROM chat_messages WHERE session_id = ? AND seq = ?)
       WHERE id = ? AND max_message_bytes < (SELECT bytes FROM chat_messages WHERE session_id = ? AND seq = ?)`,
      [session_id, seq, session_id, session_id, seq],
    );
  }
}

/** The columns of a message. The parts of the JSON that it is made of are not written anew, which would round numbers. */
function folded(pieces: string[]): { content: string; parts: string | null } {
  const texts: string[] = [];
  const parts: string[] = [];
  let open = '';
  let isText = true;
  const close = () => {
    if (open === '') return;
    texts.push(open.toWellFormed());
    const part = { type: 'text', text: open.toWellFormed() };
    parts.push(JSON.stringify(part));
    open = '';
  };
  for (const json of pieces) {
    const piece = JSON.parse(json) as Content;
    if (typeof piece === 'string') {
      open += piece;
      continue;
    }
    close();
    isText = false;
    parts.push(json.slice(1, -1));
    for (const part of piece) {
      if (part.type === 'text' && typeof part.text === 'string') {
        texts.push(part.text);
      }
    }
  }
  close();
  if (!isText) {
    return { content: texts.join('\n'), parts: `[${parts.join(',')}]` };
  }
  const [content = ''] = texts;
  return { content, parts: content.trim() === '' ? '[]' : null };
}
