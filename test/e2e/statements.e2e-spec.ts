import { resolve } from 'node:path';
import { expect, it, vi } from 'vitest';
import { Purger } from '../../src/chat-sessions/removal/purger.js';
import { RangePurger } from '../../src/chat-sessions/removal/range-purger.js';
import { encodeCursor } from '../../src/chat-sessions/sessions/cursor.js';
import { ChatRangePurge } from '../../src/chat-sessions/store/entities/chat-range-purge.entity.js';
import { ChatSession } from '../../src/chat-sessions/store/entities/chat-session.entity.js';
import { IdempotencyKey } from '../../src/chat-sessions/writes/idempotency/idempotency-key.entity.js';
import { IdempotencySweeper } from '../../src/chat-sessions/writes/idempotency/idempotency-sweeper.js';
import { Database } from '../../src/database/database.js';
import {
  recordUnits,
  type RecordedUnit,
} from '../support/recorded-statements.js';
import { STORE } from '../support/stores.js';
import { useTestApp, type Method } from '../support/test-app.js';

const FILE = resolve(import.meta.dirname, `../../docs/statements.${STORE}.sql`);
const HEAD = `-- The statements of each operation, in order.
-- Generated: npx vitest run -u --project e2e:${STORE} test/e2e/statements.e2e-spec.ts
`;

const ID = '01938f5e-0000-7000-8000-000000000001';
const UNTITLED = '01938f5e-0000-7000-8000-000000000002';
const LONG = '01938f5e-0000-7000-8000-000000000003';
const DELETED = '01938f5e-0000-7000-8000-000000000004';
const VALUES: Record<string, string> = {
  session_id: ID,
  message_id: 'a',
  document_id: 'doc-42',
  section_id: 'sec-7',
  run_id: 'r',
  interrupt_id: 'pay',
  cursor: encodeCursor({ lastActivityAt: new Date(), id: ID }),
};

const MESSAGE = { role: 'user', content: 'Hello' };
const CREATED = { id: ID, messages: [MESSAGE] };
const APPENDED = {
  messages: [
    { ...MESSAGE, id: 'a' },
    { ...MESSAGE, id: 'b' },
  ],
};
/** Five messages of this size exceed a page, so that their sizes are read first. */
const LARGE = { role: 'user', content: 'x'.repeat(1_000_000) };

interface Options {
  /** How the operation differs from the others of its route. */
  variant?: string;
  body?: object;
  /** Idempotency-Key. */
  key?: string;
  ifNoneMatch?: string;
  /** The media type of the body, if it is not application/json. */
  type?: string;
  /** Whether another process has written the session's tree since. */
  isNew?: boolean;
}

const SESSIONS = '/api/chat-sessions';
const SESSION = `${SESSIONS}/:session_id`;
const RUN = `${SESSION}/runs/:run_id`;
const SECTION = '/api/documents/:document_id/sections/:section_id';
const AGAIN = 'again, with the same Idempotency-Key';

/** Sent one after the other; each finds what those before it have left. */
const OPERATIONS: [request: string, options?: Options][] = [
  [`POST ${SESSIONS}`, { body: CREATED }],
  [`POST ${SESSIONS}`, { variant: 'with an id that exists', body: CREATED }],
  [`POST ${SESSIONS}`, { variant: 'without messages', body: {} }],
  [
    `POST ${SESSIONS}`,
    {
      variant: 'with an Idempotency-Key',
      body: { messages: [MESSAGE] },
      key: 'create',
    },
  ],
  [
    `POST ${SESSIONS}`,
    { variant: AGAIN, body: { messages: [MESSAGE] }, key: 'create' },
  ],
  [`POST ${SECTION}/chat-session`],
  [`POST ${SECTION}/chat-session`, { variant: 'whose session exists' }],
  [`POST ${SESSION}/messages`, { body: MESSAGE }],
  [`POST ${SESSION}/messages`, { variant: 'two at once', body: APPENDED }],
  [
    `POST ${SESSION}/messages`,
    { variant: 'with ids that exist', body: APPENDED },
  ],
  [
    `POST ${SESSION}/messages`,
    {
      variant: 'with an id that exists',
      body: APPENDED.messages[0],
    },
  ],
  [
    `POST ${SESSION}/messages`,
    { variant: 'with an Idempotency-Key', body: MESSAGE, key: 'append' },
  ],
  [
    `POST ${SESSION}/messages`,
    { variant: AGAIN, body: MESSAGE, key: 'append' },
  ],
  [
    `POST ${SESSIONS}/${UNTITLED}/messages`,
    { variant: 'to a session without a title', body: LARGE },
  ],
  [`GET ${SESSION}`],
  [`GET ${SESSION}`, { variant: 'whose response is in the cache' }],
  [
    `GET ${SESSION}`,
    { variant: 'with If-None-Match of another version', ifNoneMatch: '"1-1"' },
  ],
  [`GET ${SESSIONS}`],
  [`GET ${SESSIONS}?cursor=:cursor`],
  [`GET ${SESSIONS}?pinned=true`],
  [`GET ${SESSIONS}?pinned=true&cursor=:cursor`],
  [`GET ${SESSIONS}?document_id=:document_id`],
  [`GET ${SESSIONS}?document_id=:document_id&cursor=:cursor`],
  [`GET ${SESSIONS}?document_id=:document_id&pinned=true`],
  [`GET ${SESSIONS}?document_id=:document_id&pinned=true&cursor=:cursor`],
  [`GET ${SESSIONS}?document_id=:document_id&section_id=:section_id`],
  [`GET ${SESSION}/messages`],
  [`GET ${SESSION}/messages?after=1`],
  [
    `GET ${SESSIONS}/${UNTITLED}/messages`,
    { variant: 'that could exceed 4 MiB' },
  ],
  [`GET ${SESSION}/messages/:message_id`],
  ['GET /api/history'],
  ['GET /api/session/history'],
  [`PATCH ${SESSION}`, { body: { title: 'Renamed' } }],
  [
    `PATCH ${SESSION}`,
    {
      variant: 'of context documents',
      body: { context_documents: ['doc-42'] },
    },
  ],
  [
    `PATCH ${SESSION}`,
    {
      variant: 'with a merge patch',
      body: { config: { model: 'small' } },
      type: 'application/merge-patch+json',
    },
  ],
  [`GET ${SESSIONS}`, { variant: 'of sessions with context documents' }],
  [`PUT ${SESSION}/config`, { body: { config: {} } }],
  [`PATCH ${SESSION}/messages/:message_id`, { body: { content: 'Changed' } }],
  [
    `POST ${SESSION}/messages`,
    { variant: 'below another message', body: { ...MESSAGE, parent_id: 'a' } },
  ],
  [`GET ${SESSION}/messages`, { variant: 'of a branch' }],
  [
    `GET ${SESSION}/messages`,
    { variant: 'of a branch that another process has written', isNew: true },
  ],
  [`GET ${SESSION}/messages?leaf=b`],
  [`GET ${SESSION}/messages?tree=true`],
  [`GET ${SESSION}/messages?limit=2`, { variant: 'of a branch' }],
  [`GET ${SESSION}/messages?tree=true&limit=2`],
  [
    `POST ${SESSIONS}/${UNTITLED}/messages`,
    {
      variant: 'below another message, which is large',
      body: { ...MESSAGE, id: 'c', parent_id: 'b' },
    },
  ],
  [
    `GET ${SESSIONS}/${UNTITLED}/messages`,
    { variant: 'of a branch that could exceed 4 MiB' },
  ],
  [
    `POST ${SESSION}/messages/replace`,
    { body: { after_id: 'a', messages: [{ ...MESSAGE, id: 'c' }] } },
  ],
  [
    `POST ${SESSION}/messages/replace`,
    {
      variant: 'without keeping them',
      body: { after_id: 'a', messages: [MESSAGE], keep: false },
    },
  ],
  [`PUT ${SESSION}/leaf`, { body: { message_id: 'b' } }],
  [
    `POST ${SESSION}/messages`,
    { variant: 'to a branch that is shown again', body: MESSAGE },
  ],
  [`POST ${SESSION}/runs`, { body: { id: 'r', messages: [MESSAGE] } }],
  [`GET ${SESSION}`, { variant: 'with an active run' }],
  [`POST ${RUN}/output`, { body: { fence: 1, offset: 0, text: 'Hello' } }],
  [
    `POST ${RUN}/output`,
    {
      variant: 'of a long text',
      body: { fence: 1, offset: 5, text: 'x'.repeat(5_000) },
    },
  ],
  [
    `POST ${RUN}/output`,
    { variant: 'again', body: { fence: 1, offset: 0, text: 'Hello' } },
  ],
  [`GET ${RUN}`],
  [
    `GET ${SESSION}/messages`,
    { variant: 'of a long answer that is being written' },
  ],
  [`POST ${SESSION}/fork`, { variant: 'with an active run', body: {} }],
  [`POST ${RUN}/pause`, { body: { fence: 1, interrupts: [{ id: 'pay' }] } }],
  [`POST ${RUN}/interrupts/:interrupt_id`, { body: { answer: {} } }],
  [`POST ${RUN}/resume`, { body: {} }],
  [
    `POST ${RUN}/finish`,
    { body: { fence: 2, status: 'completed', usage: { input_tokens: 1 } } },
  ],
  [
    `POST ${SESSION}/runs`,
    {
      variant: 'again, with the same id',
      body: { id: 'r', messages: [MESSAGE] },
    },
  ],
  [`POST ${SESSION}/runs`, { variant: 'without a question', body: {} }],
  [
    `POST ${SESSION}/runs`,
    {
      variant: 'while another one is active, which is cancelled',
      body: { id: 's', if_active: 'cancel' },
    },
  ],
  [`POST ${SESSION}/runs/s/cancel`],
  ['GET /api/usage'],
  ['GET /api/usage?by=model'],
  ['GET /api/usage?by=session&after=0'],
  [`POST ${SESSION}/fork`, { body: {} }],
  [
    `POST ${SESSIONS}/${LONG}/fork`,
    { variant: 'of a long conversation', body: { message_id: 'a' } },
  ],
  [`DELETE ${SESSION}/messages/:message_id`],
  [`DELETE ${SESSION}/messages/b?following=true`],
  [`POST ${SESSION}/clear`],
  [
    `POST ${SESSION}/clear`,
    { variant: 'with an Idempotency-Key', key: 'clear' },
  ],
  [`POST ${SESSION}/clear`, { variant: AGAIN, key: 'clear' }],
  [
    `DELETE ${SESSIONS}/${LONG}/messages/b?following=true`,
    { variant: 'of a long conversation' },
  ],
  [
    `POST ${SESSIONS}/${LONG}/messages`,
    {
      variant: 'with the id of a deleted message',
      body: { ...MESSAGE, id: 'b' },
    },
  ],
  [`POST ${SESSIONS}/${LONG}/clear`, { variant: 'of a long conversation' }],
  [
    `POST ${SESSIONS}/${LONG}/messages`,
    { variant: 'with the id of a cleared message', body: APPENDED },
  ],
  [`DELETE ${SESSION}`],
  [
    `DELETE ${SESSIONS}/${LONG}`,
    { variant: 'after the clear of a long conversation' },
  ],
];

const api = useTestApp({ environment: { CACHE: 'validated' } });

async function send(request: string, options: Options): Promise<void> {
  const { body, key, ifNoneMatch, type, isNew } = options;
  if (isNew) {
    await api.dataSource
      .getRepository(ChatSession)
      .update({ id: VALUES.session_id }, { treeRevision: 'another' });
  }
  const [method, path] = request.split(' ') as [Method, string];
  const { status, text } = await api.send(
    method,
    path.replace(/:(\w+)/g, (_, name: string) => VALUES[name]!),
    body,
    {
      ...(key && { 'idempotency-key': key }),
      ...(ifNoneMatch && { 'if-none-match': ifNoneMatch }),
      ...(type && { 'content-type': type }),
    },
  );
  expect(status, `${request}: ${text}`).toBeOneOf([200, 201, 204]);
}

function inGeneral(request: string): string {
  return request
    .replace(new RegExp(`${UNTITLED}|${LONG}`), ':session_id')
    .replace('/messages/b?', '/messages/:message_id?')
    .replace('/runs/s/', '/runs/:run_id/');
}

function section(title: string, units: RecordedUnit[]): string {
  const lines = units.flatMap(({ kind, statements }) => [
    ...(kind === 'write' ? ['-- in one transaction:'] : []),
    ...statements.map(([sql]) => `${sql};`),
  ]);
  return [`\n-- ${title}`, ...lines, ''].join('\n');
}

async function makeDue(changes: { blankTo?: number }): Promise<void> {
  await api.dataSource
    .getRepository(ChatRangePurge)
    .update({ sessionId: DELETED }, { ...changes, dueAt: new Date() });
}

it('the statements of each operation are those of docs', async () => {
  await api.send('POST', SESSIONS, {
    id: UNTITLED,
    messages: ['a', 'b', 'x', 'y'].map((id) => ({
      id,
      role: 'assistant',
      content: 'Hello',
    })),
  });
  // It counts more messages than it has, so that it is long.
  await api.send('POST', SESSIONS, { id: LONG, ...APPENDED });
  await api.dataSource
    .createQueryBuilder()
    .update(ChatSession)
    .set({ messageCount: 3_000, lastSeq: 3_000 })
    .where({ id: LONG })
    .execute();
  const purger = api.app.get(Purger);
  vi.spyOn(purger, 'wake').mockImplementation(() => undefined);
  const rangePurger = api.app.get(RangePurger);
  vi.spyOn(rangePurger, 'wake').mockImplementation(() => undefined);
  const units = recordUnits(api.app.get(Database));
  let text = HEAD;
  for (const [request, options = {}] of OPERATIONS) {
    const title = inGeneral(request);
    const { variant } = options;
    await send(request, options);
    text += section(variant ? `${title}, ${variant}` : title, units.splice(0));
  }
  await api.dataSource
    .createQueryBuilder()
    .update(IdempotencyKey)
    .set({ createdAt: new Date(0) })
    .execute();
  await api.app.get(IdempotencySweeper).run();
  text += section('The deletion of old Idempotency-Keys', units.splice(0));
  await purger.run();
  text += section(
    'The removal of a long conversation that was deleted',
    units.splice(0),
  );
  await api.send('POST', SESSIONS, { id: DELETED, ...APPENDED });
  await api.send('DELETE', `${SESSIONS}/${DELETED}/messages/b`);
  units.splice(0);
  // A long deletion leaves such rows.
  await makeDue({ blankTo: 1 });
  await rangePurger.run();
  text += section('The blanking of deleted messages', units.splice(0));
  await makeDue({});
  await rangePurger.run();
  text += section('The removal of deleted messages', units.splice(0));
  await expect(text).toMatchFileSnapshot(FILE);
});

it('that was every route that uses the store', () => {
  const others = /^HEAD | \/health\/| \/api\/docs\//;
  const routes = api.routes.filter((route) => !others.test(route));
  const sent = OPERATIONS.map(([request]) =>
    inGeneral(request).replace(/\?.*/, ''),
  );
  expect([...new Set(sent)].toSorted()).toEqual(routes.toSorted());
});
