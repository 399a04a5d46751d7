import { describe, expect, it, onTestFinished } from 'vitest';
import { bodyFor } from '../../../src/database/mysql/requirements.js';
import {
  append,
  createSession,
  errorBody,
  getPage,
} from '../../support/api.js';
import { connectMysql } from '../../support/mysql-connection.js';
import { createMysqlDatabase } from '../../support/mysql-database.js';
import { startMysqlServer } from '../../support/mysql-server.js';
import { asOwner } from '../../support/owners.js';
import { useTestApp } from '../../support/test-app.js';
import { JWT_MODE } from '../../support/tokens.js';

const MAX_BYTES = 1024 * 1024;

function ofQuotes(count: number) {
  return { role: 'user', parts: [{ type: 'text', text: "'".repeat(count) }] };
}

describe('a server that accepts less than at the start of the service', () => {
  let serverUrl: string;
  const api = useTestApp({
    createDatabase: async () => {
      const server = await startMysqlServer();
      serverUrl = server.url;
      const { url } = await createMysqlDatabase(server.url);
      return { url, remove: () => server.stop() };
    },
  });

  it('makes large messages 413, and no others', async () => {
    const { id } = await createSession(api);
    const administrator = await connectMysql(serverUrl);
    onTestFinished(() => administrator.destroy());
    await administrator.query(`SET GLOBAL max_allowed_packet = ${MAX_BYTES}`);
    const [rows] = await administrator.query(
      'SELECT id FROM information_schema.processlist WHERE id <> CONNECTION_ID()',
    );
    for (const row of rows as { id: number }[]) {
      await administrator.query(`KILL ${row.id}`);
    }
    const large = { role: 'user', content: 'x'.repeat(MAX_BYTES) };
    for (let times = 0; times < 3; times++) {
      const answer = await append(api, id, large);
      expect([answer.status, answer.body]).toEqual([
        413,
        errorBody('Request body is too large', 'payload_too_large'),
      ]);
    }
    const small = { role: 'user', content: 'Hello' };
    expect((await append(api, id, small)).status).toBe(201);
  });
});

describe.each([
  ['4M', 413],
  ['16M', 201],
])('a server that accepts %s at once', (most, expected) => {
  const api = useTestApp({
    createDatabase: async () => {
      const server = await startMysqlServer({
        options: [`--max-allowed-packet=${most}`],
      });
      const { url } = await createMysqlDatabase(server.url);
      return { url, remove: () => server.stop() };
    },
  });

  it(`answers ${expected} to a picture of 12 MiB`, async () => {
    const { id } = await createSession(api);
    const image = `data:image/png;base64,${'iVBORw0K'.repeat(1.5 * MAX_BYTES)}`;
    const parts = [{ type: 'image', image }];
    const answer = await append(api, id, { role: 'user', parts });
    expect(answer.status).toBe(expected);
    const { messages } = await getPage(api, id);
    expect(messages).toHaveLength(expected === 201 ? 1 : 0);
  });
});

describe('a server that accepts 1 MiB at once', () => {
  const server = useTestApp({
    environment: JWT_MODE,
    createDatabase: async () => {
      const server = await startMysqlServer({
        options: [`--max-allowed-packet=${MAX_BYTES}`],
      });
      const { url } = await createMysqlDatabase(server.url);
      return { url, remove: () => server.stop() };
    },
  });
  const api = asOwner(server, 'alice');

  it.each([
    ['letters', 'x'.repeat(MAX_BYTES)],
    ['quotes, which are escaped', "'".repeat(MAX_BYTES / 2)],
    ['letters of 3 bytes', '語'.repeat(MAX_BYTES / 3)],
  ])('gets nothing larger: 413 to a message of %s', async (_, content) => {
    const { id } = await createSession(api);
    const parts = [{ type: 'x', content }];
    const answer = await append(api, id, { role: 'user', parts });
    expect([answer.status, answer.body]).toEqual([
      413,
      errorBody('Request body is too large', 'payload_too_large'),
    ]);
    expect((await getPage(api, id)).messages).toEqual([]);
    const later = { role: 'user', content: 'Hello' };
    expect((await append(api, id, later)).status).toBe(201);
  });

  it('gets no text that it would store twice, escaped', async () => {
    const { id } = await createSession(api);
    const answer = await append(api, id, ofQuotes(491_000));
    expect([answer.status, answer.body]).toEqual([
      413,
      errorBody('Request body is too large', 'payload_too_large'),
    ]);
  });

  it.each([1, 100])(
    'gets all bodies that certainly fit: %i messages of quotes',
    async (count) => {
      // An id of as many bytes as there may be.
      const owner = asOwner(api, '😀'.repeat(191));
      const { id } = await createSession(owner);
      const most = bodyFor(MAX_BYTES);
      const messages = Array.from({ length: count }, () => ofQuotes(1));
      const { length } = JSON.stringify({ messages });
      const quotes = Math.floor((most - length) / count);
      const body = { messages: messages.map(() => ofQuotes(1 + quotes)) };
      expect(most - JSON.stringify(body).length).toBeLessThan(count);
      expect((await append(owner, id, body)).status).toBe(201);
    },
  );

  it.each([1000, 2000])('gets what is %i bytes smaller', async (bytes) => {
    const { id } = await createSession(api);
    const parts = [{ type: 'x', content: 'x'.repeat(MAX_BYTES - bytes) }];
    const { status } = await append(api, id, { role: 'user', parts });
    expect(status).toBe(201);
    const { messages } = await getPage(api, id);
    expect(messages[0]!.parts).toEqual(parts);
  });
});
