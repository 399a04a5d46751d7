import { setTimeout as sleep } from 'node:timers/promises';
import { In, Not } from 'typeorm';
import { expect, it, onTestFinished } from 'vitest';
import { parseConfig } from '../../src/app/config/parse-config.js';
import { openDataSource } from '../../src/app/database/data-source.js';
import { ChatFork } from '../../src/chat-sessions/store/entities/chat-fork.entity.js';
import { ChatMessage } from '../../src/chat-sessions/store/entities/chat-message.entity.js';
import { ChatPurge } from '../../src/chat-sessions/store/entities/chat-purge.entity.js';
import { ChatRangePurge } from '../../src/chat-sessions/store/entities/chat-range-purge.entity.js';
import { ChatSession } from '../../src/chat-sessions/store/entities/chat-session.entity.js';
import { LongSessions } from '../support/long-sessions.js';
import { PATIENCE } from '../support/patience.js';
import { createTestDatabase } from '../support/test-database.js';
import { startTestService } from '../support/test-service.js';

/** Twenty batches of the purger for each session. */
const LENGTH = 10_000;
/** Removed in batches, too, if somebody asked for it. */
const KEPT_LENGTH = 2_100;

it('a removal that is killed half-way goes on after the next start, and touches nothing else', async () => {
  const database = await createTestDatabase();
  onTestFinished(() => database.remove());
  const environment = {
    DATABASE_URL: database.url,
    DATABASE_MIGRATE: 'true',
  };
  const service = await startTestService(environment);
  const api = new LongSessions(service.url);
  const cleared = await api.create(LENGTH, 1_000);
  const deleted = await api.create(LENGTH, 1_000);
  const kept = await api.create(KEPT_LENGTH, 1_000);

  const dataSource = await openDataSource(
    parseConfig({ ...PATIENCE, ...environment }),
  );
  onTestFinished(() => dataSource.destroy());
  const messages = dataSource.getRepository(ChatMessage);
  const sessions = dataSource.getRepository(ChatSession);
  const purges = dataSource.getRepository(ChatPurge);
  const others = async () => ({
    messages: await messages.find({
      where: { sessionId: kept },
      order: { seq: 'ASC' },
    }),
    sessions: await sessions.find({
      where: { id: In([cleared, kept]) },
      order: { id: 'ASC' },
    }),
  });

  expect(await api.clear(cleared)).toBe(200);
  await api.append(cleared, 1, 1_000);
  expect(await api.delete(deleted)).toBe(204);
  const before = await others();
  const removable = { sessionId: In([cleared, deleted]) };
  while ((await messages.countBy(removable)) > 2 * LENGTH - 500) await sleep(1);
  await service.process.stop('SIGKILL');
  expect(await purges.count()).toBeGreaterThan(0);
  const left = await messages.countBy(removable);
  expect(left).toBeGreaterThan(1);

  await startTestService(environment);
  // The first run begins within a minute.
  await expect.poll(() => purges.count(), { timeout: 120_000 }).toBe(0);
  expect(await messages.find({ where: removable })).toMatchObject([
    { sessionId: cleared, seq: LENGTH + 1 },
  ]);
  expect(await sessions.existsBy({ id: deleted })).toBe(false);
  expect(await others()).toEqual(before);
});

it('a deletion of messages that is killed half-way goes on after the next start', async () => {
  const database = await createTestDatabase();
  onTestFinished(() => database.remove());
  const environment = {
    DATABASE_URL: database.url,
    DATABASE_MIGRATE: 'true',
  };
  const service = await startTestService(environment);
  const api = new LongSessions(service.url);
  const id = await api.create(LENGTH, 1_000);
  const kept = await api.create(KEPT_LENGTH, 1_000);
  const dataSource = await openDataSource(
    parseConfig({ ...PATIENCE, ...environment }),
  );
  onTestFinished(() => dataSource.destroy());
  const messages = dataSource.getRepository(ChatMessage);
  const ranges = dataSource.getRepository(ChatRangePurge);
  const withText = (sessionId: string) =>
    messages.countBy({ sessionId, content: Not('') });

  expect(await api.deleteMessages(id)).toBe(204);
  while ((await withText(id)) > LENGTH - 500) await sleep(1);
  await service.process.stop('SIGKILL');
  expect(await withText(id)).toBeGreaterThan(1);
  // A row for each seq, for instances of the version before.
  expect(await messages.countBy({ sessionId: id })).toBe(LENGTH);

  await startTestService({ ...environment, REMOVAL_GRACE: '0' });
  // The first run begins within a minute.
  await expect.poll(() => ranges.count(), { timeout: 120_000 }).toBe(0);
  expect(await messages.findBy({ sessionId: id })).toMatchObject([{ seq: 1 }]);
  expect(await withText(kept)).toBe(KEPT_LENGTH);
});

it('a long fork that is killed half-way leaves nothing, and can be made again', async () => {
  const database = await createTestDatabase();
  onTestFinished(() => database.remove());
  const environment = {
    DATABASE_URL: database.url,
    DATABASE_MIGRATE: 'true',
    REQUEST_DEADLINE_MS: '60000',
  };
  const service = await startTestService(environment);
  const api = new LongSessions(service.url);
  const id = await api.create(LENGTH, 1_000);
  const dataSource = await openDataSource(parseConfig(environment));
  onTestFinished(() => dataSource.destroy());
  const messages = dataSource.getRepository(ChatMessage);
  const sessions = dataSource.getRepository(ChatSession);
  const forks = dataSource.getRepository(ChatFork);

  const fork = api.fork(id).catch(() => undefined);
  while ((await messages.count()) < LENGTH + 1_000) await sleep(1);
  await service.process.stop('SIGKILL');
  expect(await fork).toBeUndefined();
  const [begun, ...others] = await forks.find();
  expect(others).toEqual([]);
  const { sessionId } = begun!;
  const copied = await messages.countBy({ sessionId });
  expect(copied).toBeGreaterThan(0);
  expect(copied).toBeLessThan(LENGTH);

  // The ten minutes of a fork are over.
  await forks.update({ sessionId }, { dueAt: new Date() });
  const next = await startTestService(environment);
  await expect.poll(() => forks.count(), { timeout: 120_000 }).toBe(0);
  await expect.poll(() => messages.count(), { timeout: 120_000 }).toBe(LENGTH);
  await expect.poll(() => sessions.count(), { timeout: 120_000 }).toBe(1);

  const { id: copy } = await new LongSessions(next.url).fork(id);
  expect(await messages.countBy({ sessionId: copy })).toBe(LENGTH);
});
