import { describe, expect, it } from 'vitest';
import { createSession, getSession } from '../support/api.js';
import { useTestApp } from '../support/test-app.js';

const api = useTestApp();

describe('GET /api/chat-sessions/:session_id', () => {
  it('answers a session with its newest messages', async () => {
    const { id } = await createSession(api, { title: 'Ünïcode 😀' }, 120);
    const session = await getSession(api, id);
    expect(session.title).toBe('Ünïcode 😀');
    expect(session.message_count).toBe(120);
    expect(session.messages.map(({ seq }) => seq)).toEqual(
      Array.from({ length: 50 }, (_, index) => 71 + index),
    );
  });

  it('answers 404 for one that is not there', async () => {
    const answer = await api.send(
      'GET',
      '/api/chat-sessions/019ae1c4-7d5e-7c3a-9f10-3b1f6f0c2a55',
    );
    expect(answer.status).toBe(404);
    expect(answer.text).toBe('{"error":"Chat session not found"}');
  });
});
