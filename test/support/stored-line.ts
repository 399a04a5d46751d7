import { ChatMessage } from '../../src/chat-sessions/store/entities/chat-message.entity.js';
import { ChatSession } from '../../src/chat-sessions/store/entities/chat-session.entity.js';
import { TreesRepository } from '../../src/chat-sessions/store/trees.repository.js';
import type { Tree } from '../../src/chat-sessions/tree/tree.js';
import { createSession } from './api.js';
import { Branches } from './branches.js';
import type { TestApp } from './test-app.js';

/**
 * A session with the messages m1, m2 ..., far more than a test can append in
 * time. The first is appended; the store copies it to the others.
 */
export async function storedLine(
  api: TestApp,
  count: number,
): Promise<{ id: string; branches: Branches }> {
  const { id } = await createSession(api);
  const branches = new Branches(api, id);
  await branches.append(['m1']);
  const escape = (name: string) => api.dataSource.driver.escape(name);
  const columns = api.dataSource
    .getMetadata(ChatMessage)
    .columns.map((column) => column.databaseName);
  for (let stored = 1; stored < count; stored *= 2) {
    const copied: Record<string, string> = {
      seq: `seq + ${stored}`,
      id: `CONCAT('m', seq + ${stored})`,
    };
    const values = columns.map((name) => copied[name] ?? escape(name));
    await api.dataSource.query(
      `INSERT INTO chat_messages (${columns.map(escape).join(', ')}) SELECT ${values.join(', ')} FROM chat_messages WHERE session_id = ? AND seq <= ?`,
      [id, Math.min(stored, count - stored)],
    );
  }
  await api.dataSource
    .getRepository(ChatSession)
    .update({ id }, { messageCount: count, lastSeq: count });
  return { id, branches };
}

/** A session with the messages m1, m2 ... in this tree. */
export async function storedTree(api: TestApp, tree: Tree) {
  const session = await storedLine(api, tree.lastSeq);
  await api.dataSource
    .getRepository(ChatSession)
    .update(
      { id: session.id },
      api.app.get(TreesRepository).columnsOf(session, tree),
    );
  return session;
}
