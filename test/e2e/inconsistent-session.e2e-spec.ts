import { expect, it } from 'vitest';
import { ChatMessage } from '../../src/chat-sessions/store/entities/chat-message.entity.js';
import { createSession } from '../support/api.js';
import { useTestApp } from '../support/test-app.js';

const api = useTestApp();

it('answers 500 if the messages of a session do not match its message_count', async () => {
  const { id } = await createSession(api, {}, 3);
  await api.dataSource
    .getRepository(ChatMessage)
    .delete({ sessionId: id, seq: 2 });
  const response = await api.send('GET', `/api/chat-sessions/${id}`);
  expect(response.status).toBe(500);
  expect(response.text).toBe('{"error":"Failed to get chat session"}');
  expect(api.logger.errors).toHaveLength(1);
  expect(JSON.stringify(api.logger.errors)).toContain(
    `chat session ${id} has other messages than it counts`,
  );
});
