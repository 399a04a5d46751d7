import { v5 as uuidv5 } from 'uuid';
import {
  type ChatMessage,
  ChatSessionsApiError,
  type ChatSessionsClient,
  type NewChatMessage,
} from '../../src/client/index.js';
import type { Conversation, Message } from './conversations.js';

/** The service's limit of messages in a request. */
const BATCH_MESSAGES = 100;
/** Leaves room in a body of 4 MiB for what surrounds the messages. */
const BATCH_BYTES = 3 * 1024 * 1024;
/** The service's limit of messages in a page. */
const PAGE_MESSAGES = 200;

/** The namespace of the ids, which are UUIDs of version 5. */
const NAMESPACE = '6f0c4bb4-3f0b-4c52-9c0e-3f7a5d1f7b0a';
/** Owners that may load the same file into one service. */
const MAX_OWNERS = 1_000;

/** Names conversations by their content. Equal ones of a file are numbered. */
export class SessionNames {
  private readonly counts = new Map<string, number>();

  of(conversation: Conversation): string {
    const name = uuidv5(JSON.stringify(conversation), NAMESPACE);
    const count = (this.counts.get(name) ?? 0) + 1;
    this.counts.set(name, count);
    return `${name} ${count}`;
  }
}

/**
 * Stores a conversation as a session, unless it is stored already, and returns the
 * id. All ids follow from the name. An id of which another owner has the session is
 * taken; then the next one is used.
 */
export async function store(
  client: ChatSessionsClient,
  conversation: Conversation,
  name: string,
): Promise<string> {
  for (let owner = 1; ; owner++) {
    try {
      const id = uuidv5(`${name} ${owner}`, NAMESPACE);
      return await storeAs(id, client, conversation);
    } catch (error) {
      const isTaken =
        error instanceof ChatSessionsApiError &&
        error.code === 'session_id_taken';
      if (!isTaken || owner === MAX_OWNERS) throw error;
    }
  }
}

async function storeAs(
  id: string,
  client: ChatSessionsClient,
  { source, title, messages }: Conversation,
): Promise<string> {
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
