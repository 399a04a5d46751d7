import { v7 as uuidv7 } from 'uuid';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseDatabaseConfig } from '../../src/app/config/parse-config.js';
import { openDataSource } from '../../src/app/database/data-source.js';
import { ChatMessage } from '../../src/chat-sessions/store/entities/chat-message.entity.js';
import { ChatSession } from '../../src/chat-sessions/store/entities/chat-session.entity.js';
import type { Message, Session, SessionList } from '../support/api.js';
import type { TestDatabase } from '../support/mysql-database.js';
import { PATIENCE } from '../support/patience.js';
import {
  type ServiceProcess,
  startService,
} from '../support/service-process.js';
import { createTestDatabase } from '../support/test-database.js';

const NEW_YORK = 'America/New_York';

/** Both are 01:30:00.123 in New York, where the clocks go back at 06:00 UTC. */
const AMBIGUOUS = ['2026-11-01T05:30:00.123Z', '2026-11-01T06:30:00.123Z'];

let database: TestDatabase;
const services = new Map<string, ServiceProcess>();

beforeAll(async () => {
  database = await createTestDatabase();
  for (const zone of [NEW_YORK, 'UTC']) {
    services.set(
      zone,
      await startService({
        TZ: zone,
        DATABASE_URL: database.url,
        DATABASE_MIGRATE: 'true',
      }),
    );
  }
});
afterAll(async () => {
  for (const service of services.values()) await service.stop();
  await database?.remove();
});

/** Sends a request to the service in a time zone and returns the body. */
async function call<T>(zone: string, path: string, body?: object): Promise<T> {
  const response = await fetch(`${services.get(zone)?.url}/api/${path}`, {
    method: body ? 'POST' : 'GET',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  if (!response.ok) throw new Error(await response.text());
  return (await response.json()) as T;
}

function timesOf(session: Session): (string | null)[] {
  return [
    session.created_at,
    session.updated_at,
    session.last_message_at,
    ...session.messages.map(({ timestamp }) => timestamp),
  ];
}

describe('two services on one database in different time zones', () => {
  it.each([
    [NEW_YORK, 'UTC'],
    ['UTC', NEW_YORK],
  ])(
    'agree: what %s writes has the time of its clock, and %s reads the same',
    async (writer, reader) => {
      const before = Date.now();
      const created = await call<{ chat_session: Session }>(
        writer,
        'chat-sessions',
        {},
      );
      const { id } = created.chat_session;
      const appended = await call<{ message: Message }>(
        writer,
        `chat-sessions/${id}/messages`,
        { role: 'user', content: 'What time is it?' },
      );
      const after = Date.now();

      const path = `chat-sessions/${id}`;
      const read = await call<{ chat_session: Session }>(reader, path);
      expect(read).toEqual(await call(writer, path));
      expect(read.chat_session.created_at).toBe(
        created.chat_session.created_at,
      );
      expect(read.chat_session.messages).toEqual([appended.message]);
      for (const time of timesOf(read.chat_session)) {
        expect(Date.parse(time ?? '')).toBeGreaterThanOrEqual(before);
        expect(Date.parse(time ?? '')).toBeLessThanOrEqual(after);
      }
    },
  );

  it('return times as stored, also from the hour that New York has twice', async () => {
    const ids = AMBIGUOUS.map(() => uuidv7());
    await insertSessions(ids);
    for (const zone of services.keys()) {
      for (const [index, id] of ids.entries()) {
        const path = `chat-sessions/${id}`;
        const { chat_session } = await call<{ chat_session: Session }>(
          zone,
          path,
        );
        expect(timesOf(chat_session)).toEqual(Array(4).fill(AMBIGUOUS[index]));
      }
      expect(await idsByPage(zone)).toEqual(ids.toReversed());
    }
  });
});

/** Inserts sessions with one message and the times of AMBIGUOUS. */
async function insertSessions(ids: string[]): Promise<void> {
  const dataSource = await openDataSource(
    parseDatabaseConfig({ ...PATIENCE, DATABASE_URL: database.url }),
  );
  try {
    for (const [index, id] of ids.entries()) {
      const time = new Date(AMBIGUOUS[index]!);
      await dataSource.getRepository(ChatSession).insert({
        id,
        ownerId: 'local',
        title: null,
        documentId: 'new-york',
        sectionId: null,
        contextDocuments: [],
        config: {},
        metadata: {},
        pinned: false,
        archived: false,
        messageCount: 1,
        lastSeq: 1,
        maxMessageBytes: 500,
        preview: 'Hello',
        lastMessageAt: time,
        lastActivityAt: time,
        version: 1,
        createdAt: time,
        updatedAt: time,
      });
      await dataSource.getRepository(ChatMessage).insert({
        sessionId: id,
        seq: 1,
        idKey: 'm1',
        ownerId: 'local',
        role: 'user',
        content: 'Hello',
        parts: null,
        references: [],
        metadata: {},
        bytes: 500,
        createdAt: time,
      });
    }
  } finally {
    await dataSource.destroy();
  }
}

/** The ids of the list, which is sorted by time, read one page of one session at a time. */
async function idsByPage(zone: string): Promise<string[]> {
  const ids: string[] = [];
  let cursor: string | null = '';
  do {
    const path = `chat-sessions?document_id=new-york&limit=1${cursor && `&cursor=${cursor}`}`;
    const page: SessionList = await call<SessionList>(zone, path);
    ids.push(...page.chat_sessions.map(({ id }) => id));
    cursor = page.next_cursor;
  } while (cursor);
  return ids;
}
