/**
 * The peer `bare`: Fastify and mysql2 with the statements and transactions of the
 * service. Statements are sent as text, as the service sends them. There is no
 * validation, and X-User-Id is the owner.
 */
import Fastify from 'fastify';
import mysql, {
  type PoolConnection,
  type ResultSetHeader,
  type RowDataPacket,
} from 'mysql2/promise';
import {
  type MessageRow,
  type SessionRow,
  type StateRow,
  toMessage,
  toSession,
  toSummary,
} from './bare-rows.js';

const pool = mysql.createPool({
  uri: process.env.DATABASE_URL!,
  connectionLimit: 20, // the service's default
  charset: 'utf8mb4',
  timezone: 'Z',
});

const SESSION = `
  SELECT id, owner_id, title, document_id, section_id, context_documents, config,
    metadata, pinned, archived, message_count, last_seq, max_message_bytes,
    preview, last_message_at, last_activity_at, version, created_at, updated_at
  FROM chat_sessions WHERE id = ? AND owner_id = ?`;
const STATE_FOR_UPDATE = `
  SELECT id, owner_id, title, message_count, last_seq, max_message_bytes, version,
    created_at, updated_at,
    (SELECT newest.id FROM chat_messages newest
      WHERE newest.session_id = chat_sessions.id AND newest.seq = last_seq) AS newest_id
  FROM chat_sessions WHERE id = ? AND owner_id = ? FOR UPDATE`;
const LIST = (more: number) => `
  SELECT id, owner_id, title, document_id, section_id, context_documents, pinned,
    archived, message_count, preview, last_message_at, last_activity_at, version,
    created_at, updated_at
  FROM chat_sessions WHERE owner_id = ? AND archived = FALSE
  ORDER BY last_activity_at DESC, id DESC LIMIT ${more}`;
const MESSAGES = `
  SELECT session_id, seq, id, owner_id, role, content, parts, \`references\`,
    metadata, bytes, created_at, edited_at,
    (SELECT parent.id FROM chat_messages parent
      WHERE parent.session_id = ? AND parent.seq = ?) AS first_parent_id
  FROM chat_messages WHERE session_id = ? AND owner_id = ?`;
const PAGE = `${MESSAGES} AND seq BETWEEN ? AND ? ORDER BY seq`;
const INSERT = `
  INSERT INTO chat_messages (session_id, seq, id, owner_id, role, content, parts,
    \`references\`, metadata, bytes, created_at)
  VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`;
const UPDATE = `
  UPDATE chat_sessions SET message_count = ?, last_seq = ?, max_message_bytes = ?,
    preview = ?, last_message_at = ?, last_activity_at = ?, title = ?, version = ?,
    updated_at = ?
  WHERE id = ? AND owner_id = ?`;

interface Route {
  Params: { id: string };
  Querystring: { limit?: string; before?: string; messages?: string };
  Headers: { 'x-user-id': string };
}

const app = Fastify();

app.get<Route>('/api/chat-sessions/:id', async ({ params, query, headers }) => {
  const owner = headers['x-user-id'];
  const [[session]] = await pool.query<(SessionRow & RowDataPacket)[]>(
    SESSION,
    [params.id, owner],
  );
  if (!session) throw notFound();
  const { last_seq: last, message_count: count } = session;
  const from = last - Math.min(count, Number(query.messages ?? 50)) + 1;
  const messages = await page(params.id, owner, from, last);
  return { chat_session: toSession(session, messages) };
});

app.get<Route>('/api/chat-sessions', async ({ query, headers }) => {
  const limit = Number(query.limit ?? 20);
  const [rows] = await pool.query<(SessionRow & RowDataPacket)[]>(
    LIST(limit + 1),
    [headers['x-user-id']],
  );
  const last = rows[limit] && rows[limit - 1];
  return {
    chat_sessions: rows.slice(0, limit).map(toSummary),
    next_cursor: last
      ? Buffer.from(`${last.last_activity_at.getTime()}.${last.id}`).toString(
          'base64url',
        )
      : null,
  };
});

app.get<Route>(
  '/api/chat-sessions/:id/messages',
  async ({ params, query, headers }) => {
    const owner = headers['x-user-id'];
    const [[session]] = await pool.query<(SessionRow & RowDataPacket)[]>(
      SESSION,
      [params.id, owner],
    );
    if (!session) throw notFound();
    const first = session.last_seq - session.message_count + 1;
    const to = Math.min(Number(query.before ?? Infinity) - 1, session.last_seq);
    const from = Math.max(to - Number(query.limit ?? 50) + 1, first);
    const messages = await page(params.id, owner, from, to);
    return {
      messages: messages.map(toMessage),
      has_before: from > first,
      has_after: to < session.last_seq,
    };
  },
);

app.post<
  Route & { Body: { id: string; role: string; content: string; parts?: [] } }
>(
  '/api/chat-sessions/:id/messages',
  async ({ params, headers, body }, reply) => {
    const owner = headers['x-user-id'];
    const message = await transaction(async (connection) => {
      const [[session]] = await connection.query<(StateRow & RowDataPacket)[]>(
        STATE_FOR_UPDATE,
        [params.id, owner],
      );
      if (!session) throw notFound();
      const now = new Date();
      const message = {
        id: body.id,
        seq: session.last_seq + 1,
        parent_id: session.newest_id,
        role: body.role,
        content: body.content,
        parts: body.parts ?? null,
        references: [],
        metadata: {},
        timestamp: now,
        edited_at: null,
      };
      const { seq } = message;
      const bytes = Buffer.byteLength(JSON.stringify(message));
      await connection.query<ResultSetHeader>(INSERT, [
        params.id,
        seq,
        message.id,
        owner,
        message.role,
        message.content,
        message.parts && JSON.stringify(message.parts),
        '[]',
        '{}',
        bytes,
        now,
      ]);
      await connection.query<ResultSetHeader>(UPDATE, [
        session.message_count + 1,
        seq,
        Math.max(session.max_message_bytes, bytes),
        Array.from(message.content.slice(0, 320)).slice(0, 160).join(''),
        now,
        now,
        session.title,
        session.version + 1,
        now,
        params.id,
        owner,
      ]);
      return message;
    });
    return reply.code(201).send({ message });
  },
);

async function page(id: string, owner: string, from: number, to: number) {
  const [rows] = await pool.query<(MessageRow & RowDataPacket)[]>(PAGE, [
    id,
    from - 1,
    id,
    owner,
    from,
    to,
  ]);
  return rows;
}

async function transaction<T>(
  work: (connection: PoolConnection) => Promise<T>,
): Promise<T> {
  const connection = await pool.getConnection();
  try {
    await connection.beginTransaction();
    const result = await work(connection);
    await connection.commit();
    return result;
  } catch (error) {
    await connection.rollback();
    throw error;
  } finally {
    connection.release();
  }
}

function notFound() {
  return Object.assign(new Error('Not found'), { statusCode: 404 });
}

console.log(`Listening on ${await app.listen({ host: '127.0.0.1', port: 0 })}`);
