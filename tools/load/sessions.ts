import { v7 as uuidv7 } from 'uuid';
import type {
  ChatMessage,
  ChatSessionsClient,
  NewChatMessage,
} from '../../src/client/index.js';
import type { Conversation, Message } from './conversations.js';

/** The service's limit of messages in a request. */
const BATCH_MESSAGES = 100;
/** Leaves room in a body of 4 MiB for what surrounds the messages. */
const BATCH_BYTES = 3 * 1024 * 1024;
/** The service's limit of messages in a page. */
const PAGE_MESSAGES = 200;

/**
 * Stores a conversation as a new session and returns its id. Chooses all ids, so that
 * a request whose response was lost can be sent again.
 */
export async function store(
  client: ChatSessionsClient,
  { source, title, messages }: Conversation,
): Promise<string> {
  const id = uuidv7();
  // The service checks whether the messages are what the type says.
  const withIds = messages.map((message, index) => ({
    ...message,
    id: `${id}-${index + 1}`,
  })) as NewChatMessage[];
  const [first, ...rest] = batches(withIds);
  const metadata = { source };
  // The service would refuse a blank title.
  const shown = title?.trim() ? title : undefined;
  await client.create({ id, title: shown, metadata, messages: first });
  try {
    for (const batch of rest) await client.append(id, batch);
  } catch (error) {
    (error as Error).message += '; the session is stored in part';
    throw error;
  }
  return id;
}

/** Splits messages into batches. A message over the limit is a batch of its own, which the service refuses. */
export function batches<T>(messages: T[]): T[][] {
  const all: T[][] = [];
  let bytes = Infinity;
  for (const message of messages) {
    const size = Buffer.byteLength(JSON.stringify(message));
    bytes += size;
    if (bytes > BATCH_BYTES || all.at(-1)?.length === BATCH_MESSAGES) {
      all.push([]);
      bytes = size;
    }
    all.at(-1)?.push(message);
  }
  return all;
}

/** Reads a session back. Throws if it differs from what was sent. */
export async function verify(
  client: ChatSessionsClient,
  id: string,
  { messages }: Conversation,
): Promise<void> {
  let read = 0;
  const all = client.messages(id, { limit: PAGE_MESSAGES });
  for await (const stored of all) {
    const difference = differenceOf(messages[read++], stored);
    if (difference) throw new Error(`message ${read} ${difference}`);
  }
  if (read < messages.length) {
    throw new Error(`${read} messages instead of ${messages.length}`);
  }
}

function differenceOf(sent: Message | undefined, stored: ChatMessage) {
  if (!sent) return 'was never sent';
  if (stored.role !== sent.role) return 'has another role';
  if (stored.content !== sent.content) return 'has another content';
  return partsOf(stored) === partsOf(sent) ? undefined : 'has other parts';
}

/** Returns the parts as JSON for comparison. The service returns null for none. */
function partsOf({ parts }: Pick<Message, 'parts'>): string {
  return JSON.stringify(parts?.length ? parts : null);
}
