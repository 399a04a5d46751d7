import type { Connection, RowDataPacket } from 'mysql2/promise';
import { type MessageRow, toMessage } from './peers/bare-rows.js';

const COLUMNS = `id, owner_id, title, document_id, section_id, messages,
  context_documents, \`references\`, config, metadata, pinned, archived, version,
  last_message_at, created_at, updated_at`;

/** Creates the table of the peer `flask`, and one that keeps the seeded messages. */
export async function createFlaskTable(connection: Connection): Promise<void> {
  await connection.query(`
    CREATE TABLE flask_chat_sessions (
      id varchar(36) PRIMARY KEY,
      owner_id varchar(191) NOT NULL,
      title varchar(200),
      document_id varchar(191),
      section_id varchar(191),
      messages json NOT NULL,
      context_documents json NOT NULL,
      \`references\` json NOT NULL,
      config json NOT NULL,
      metadata json NOT NULL,
      pinned bool NOT NULL,
      archived bool NOT NULL,
      version int NOT NULL,
      last_message_at datetime(3),
      created_at datetime(3) NOT NULL,
      updated_at datetime(3) NOT NULL,
      INDEX (owner_id)
    ) CHARACTER SET utf8mb4`);
  await connection.query(
    'CREATE TABLE flask_seed (id varchar(36) PRIMARY KEY, messages longtext NOT NULL) CHARACTER SET utf8mb4',
  );
}

/** Copies sessions into the table, each with its messages as one JSON text. */
export async function copyToFlask(
  connection: Connection,
  ids: string[],
): Promise<void> {
  for (const id of ids) {
    const [rows] = await connection.query<(MessageRow & RowDataPacket)[]>(
      'SELECT * FROM chat_messages WHERE session_id = ? ORDER BY seq',
      [id],
    );
    const messages = JSON.stringify(rows.map(toMessage));
    await connection.query(
      `INSERT INTO flask_chat_sessions (${COLUMNS})
       SELECT id, owner_id, title, document_id, section_id, ?, context_documents,
         '[]', config, metadata, pinned, archived, version, last_message_at,
         created_at, updated_at
       FROM chat_sessions WHERE id = ?`,
      [messages, id],
    );
  }
  await connection.query(
    'INSERT INTO flask_seed SELECT id, messages FROM flask_chat_sessions WHERE id IN (?)',
    [ids],
  );
}

/** Removes the appended messages. */
export async function takeBackFlask(
  connection: Connection,
  ids: string[],
): Promise<void> {
  await connection.query(
    `UPDATE flask_chat_sessions f JOIN flask_seed s ON s.id = f.id
     SET f.messages = s.messages WHERE f.id IN (?)`,
    [ids],
  );
}

export async function countFlaskMessages(
  connection: Connection,
  ids: string[],
): Promise<number> {
  const [[row]] = await connection.query<RowDataPacket[]>(
    'SELECT CAST(SUM(JSON_LENGTH(messages)) AS DOUBLE) AS stored FROM flask_chat_sessions WHERE id IN (?)',
    [ids],
  );
  return (row as { stored: number }).stored;
}
