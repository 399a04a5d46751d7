import { createReadStream } from 'node:fs';
import type { CreateChatMessageDto } from '../../src/chat-sessions/messages/dto/create-chat-message.dto.js';
import {
  derivedTitle,
  fieldsWith,
  newMessages,
} from '../../src/chat-sessions/messages/message-rules.js';
import { newSession } from '../../src/chat-sessions/sessions/session-rules.js';
import type { ChatMessage } from '../../src/chat-sessions/store/entities/chat-message.entity.js';
import type { ChatSession } from '../../src/chat-sessions/store/entities/chat-session.entity.js';
import {
  BrokenLine,
  type Conversation,
  readConversations,
} from '../../tools/load/conversations.js';

/** A session as the service stores it, to be copied with other ids and owners. */
export interface Template {
  session: ChatSession;
  messages: ChatMessage[];
}

const USUAL_MESSAGES = 20;

/** Sessions made of real conversations. */
export class Templates {
  private constructor(private readonly conversations: Conversation[]) {}

  static async read(file: string): Promise<Templates> {
    const conversations: Conversation[] = [];
    for await (const { conversation } of readConversations(
      createReadStream(file),
    )) {
      if (conversation instanceof BrokenLine) throw conversation;
      conversations.push(conversation);
    }
    return new Templates(conversations);
  }

  /** The first 2, 3 and 4 messages of each conversation. */
  few(): Template[] {
    return this.conversations.flatMap(({ messages }) =>
      [2, 3, 4].map((count) => template(messages.slice(0, count))),
    );
  }

  /** The first 20 messages of each conversation that has 20 or more. */
  usual(): Template[] {
    return this.usualMessages().map(template);
  }

  /**
   * One session of any length: it repeats five conversations of 20 messages.
   * @param copies of each message, one after the other
   */
  long(count: number, copies = 1): Template[] {
    const cycle = this.usualMessages().slice(0, 5).flat();
    return [
      template(
        Array.from(
          { length: count * copies },
          (_, i) => cycle[Math.floor(i / copies) % cycle.length]!,
        ),
      ),
    ];
  }

  /** Messages for appends. */
  newMessages(): CreateChatMessageDto[] {
    return this.usualMessages()
      .flat()
      .filter(({ parts }) => !parts);
  }

  private usualMessages(): CreateChatMessageDto[][] {
    return this.conversations
      .map(({ messages }) => messages.slice(0, USUAL_MESSAGES))
      .filter(
        ({ length }) => length === USUAL_MESSAGES,
      ) as CreateChatMessageDto[][];
  }
}

function template(inputs: unknown[]): Template {
  const now = new Date();
  const session = newSession('', {}, now);
  const messages = newMessages(session, inputs as CreateChatMessageDto[], {
    now,
    parentId: null,
  });
  Object.assign(session, fieldsWith(session, messages), {
    title: derivedTitle(messages),
  });
  return { session, messages };
}
