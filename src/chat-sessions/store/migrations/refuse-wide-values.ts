import type { QueryRunner } from 'typeorm';

/** Throws if a revert would cut a title, or lose the id of a message. */
export async function refuseWideValues(
  queryRunner: QueryRunner,
): Promise<void> {
  await refuse(
    queryRunner,
    "SELECT id FROM chat_sessions WHERE SUBSTR(title, 201) <> '' LIMIT 1",
    'has a title of more than 200 characters',
  );
  await refuse(
    queryRunner,
    'SELECT session_id AS id FROM chat_messages WHERE long_id IS NOT NULL LIMIT 1',
    'has a message with an id that the version before cannot store',
  );
}

async function refuse(
  queryRunner: QueryRunner,
  select: string,
  problem: string,
): Promise<void> {
  const [found] = (await queryRunner.query(select)) as { id: string }[];
  if (!found) return;
  throw new Error(
    `The migration cannot be undone: the chat session ${found.id} ${problem}`,
  );
}
