import type { QueryRunner } from 'typeorm';

interface Part {
  type?: string;
  text?: string;
}
type Content = string | Part[];

interface Run {
  session_id: string;
  seq: number;
  tail: string;
}

/** Writes what is written of each answer into its message, for a version that knows no runs. */
export async function foldOpenAnswers(queryRunner: QueryRunner): Promise<void> {
  const runs = (await queryRunner.query(
    "SELECT session_id, seq, tail FROM chat_runs WHERE status IN ('active', 'waiting', 'ready')",
  )) as Run[];
  for (const { session_id, seq, tail } of runs) {
    const chunks = (await queryRunner.query(
      'SELECT content FROM chat_message_chunks WHERE session_id = ? AND seq = ? ORDER BY start_offset',
      [session_id, seq],
    )) as { content: string }[];
    const contents = [...chunks.map(({ content }) => content), tail].map(
      (json) => JSON.parse(json) as Content,
    );
    const isText = contents.every((content) => typeof content === 'string');
    const parts = contents.flatMap((content): Part[] => {
      if (typeof content !== 'string') return content;
      return content === '' ? [] : [{ type: 'text', text: content }];
    });
    const text = isText
      ? contents.join('')
      : parts
          .flatMap((part) => (part.type === 'text' ? part.text : []))
          .join('\n');
    await queryRunner.query(
      'UPDATE chat_messages SET content = ?, parts = ? WHERE session_id = ? AND seq = ?',
      [
        text.toWellFormed(),
        isText && text !== '' ? null : JSON.stringify(isText ? [] : parts),
        session_id,
        seq,
      ],
    );
  }
}
