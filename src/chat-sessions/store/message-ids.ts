import { createHash } from 'node:crypto';
import type { Repository, SelectQueryBuilder } from 'typeorm';
import { selectFrom } from '../../database/statements.js';
import type { ChatMessage } from './entities/chat-message.entity.js';

// The column `id` is indexed, and has room for 64 ASCII characters. Making it wider
// would copy the table, and stop all writes meanwhile. So an id that it cannot
// hold is in the column `long_id`, which has no index, and a key of it in `id`.

/** ASCII that does not begin with the first character of a key. */
const SHORT_ID = /^[\x21-\x7d][\x20-\x7e]{0,63}$/;
const KEY_PREFIX = '~';

/** The value of the column `id`: the id itself, or a key made of it. */
export function idKeyOf(id: string): string {
  return SHORT_ID.test(id)
    ? id
    : KEY_PREFIX + createHash('sha256').update(id).digest('base64url');
}

/** The id of the row of a deleted message, in SQL. No client can send it. Old versions of SQLite have no CONCAT. */
export const BLANK_ID = "REPLACE(' #', '#', seq)";

export function isBlankId(id: string): boolean {
  return id.startsWith(' ');
}

/** An id with the values of its columns. */
export function storedIdOf(
  id: string,
): Pick<ChatMessage, 'id' | 'idKey' | 'longId'> {
  const idKey = idKeyOf(id);
  return { id, idKey, longId: idKey === id ? null : id };
}

/** The id of a row in SQL. */
export function idOf(alias: string): string {
  return `COALESCE(${alias}.longId, ${alias}.idKey)`;
}

/** `selectFrom` of messages, by default with all properties. */
export function selectMessages(
  messages: Repository<ChatMessage>,
  properties?: readonly (keyof ChatMessage)[],
): SelectQueryBuilder<ChatMessage> {
  const columns = properties?.filter((name) => name !== 'id');
  const query = selectFrom(messages, 'message', columns);
  return !properties || properties.includes('id')
    ? query.addSelect(idOf('message'), 'id')
    : query;
}
