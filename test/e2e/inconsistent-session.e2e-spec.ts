import { expect, it } from 'vitest';
import { ChatMessage } from '../../src/chat-sessions/store/entities/chat-message.entity.js';
import { createSession } from '../support/api.js';
import { useTestApp } from '../support/test-app.js';

const api = useTestApp();

it('a session whose messages are not those it counts is a 500, and not a hang', async () => {
  const { id } = await createSession(api, {}, 3);
  await api.dataSource
    .getRepository(ChatMessage)
    .delete({ sessionId: id, seq: 2 });
  const answer = await api.send('GET', `/api/chat-sessions/${id}`);
  expect(answer.status).toBe(500);
  expect(answer.text).toBe('{"error":"Failed to get chat session"}');
  expect(api.logger.errors).toHaveLength(1);
  expect(JSON.stringify(api.logger.errors)).toContain(
    `chat session ${id} has other messages than it counts`,
  );
});
