import type {
  ChatMessage,
  ChatMessagePage,
  ChatSessionListBody,
  ChatSessionSummary,
} from './openapi/types.gen.js';
import type { ListQuery, MessagesQuery, PageQuery } from './options.js';

/** Yields the sessions of all pages, and gets a page when the one before is used up. */
export async function* eachSession(
  getPage: (query: ListQuery) => Promise<ChatSessionListBody>,
  query: ListQuery,
  signal?: AbortSignal,
): AsyncGenerator<ChatSessionSummary, void, undefined> {
  let { cursor } = query;
  do {
    const page = await getPage({ ...query, cursor });
    yield* untilAborted(page.chat_sessions, signal);
    cursor = page.next_cursor ?? undefined;
  } while (cursor);
}

/** Yields the messages of a session in either direction, and gets a page when the one before is used up. */
export async function* eachMessage(
  getPage: (query: PageQuery) => Promise<ChatMessagePage>,
  { from, after, before, ...others }: MessagesQuery,
  signal?: AbortSignal,
): AsyncGenerator<ChatMessage, void, undefined> {
  const isBackward =
    before !== undefined || (after === undefined && from === 'newest');
  let cursor: PageQuery = isBackward ? { before } : { after: after ?? 0 };
  let hasMore = true;
  while (hasMore) {
    const page = await getPage({ ...cursor, ...others });
    const messages = isBackward ? page.messages.reverse() : page.messages;
    yield* untilAborted(messages, signal);
    const last = messages.at(-1);
    // The session was cleared meanwhile.
    if (!last) return;
    cursor = isBackward ? { before: last.seq } : { after: last.seq };
    hasMore = isBackward ? page.has_before : page.has_after;
  }
}

/** Throws the signal's reason when it is aborted. */
function* untilAborted<Item>(
  items: Item[],
  signal?: AbortSignal,
): Generator<Item, void, undefined> {
  for (const item of items) {
    signal?.throwIfAborted();
    yield item;
  }
}
