import { v7 as uuidv7 } from 'uuid';
import type {
  ChatMessage,
  ChatSessionsClient,
  NewChatMessage,
} from '../../src/client/index.js';
import type { Conversation, Message } from './conversations.js';

/** The service takes no more messages at once. */
const BATCH_MESSAGES = 100;
/** Leaves room below a body's 4 MiB for what surrounds the messages. */
const BATCH_BYTES = 3 * 1024 * 1024;
/** The service's longest page. */
const PAGE_MESSAGES = 200;

/**
 * Stores a conversation as a new session and returns its id. All ids are
 * chosen here, so that a request whose reply was lost can be sent again.
 */
export async function store(
  client: ChatSessionsClient,
  { source, title, messages }: Conversation,
): Promise<string> {
  const id = uuidv7();
  // Whether they are what the type says is the service's to judge.
  const withIds = messages.map((message, index) => ({
    ...message,
    id: `${id}-${index + 1}`,
  })) as NewChatMessage[];
  const [first, ...rest] = batches(withIds);
  const metadata = { source };
  // A blank one is none, and the service would refuse it.
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

/** A message too large for any goes alone: the refusal is the service's. */
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

/** Reads a session back, and throws where it is not what was sent. */
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

/** As JSON, which is how they travel; the service answers null for none. */
function partsOf({ parts }: Pick<Message, 'parts'>): string {
  return JSON.stringify(parts?.length ? parts : null);
}
