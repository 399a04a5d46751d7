/** A folder of src, or some of its files, with one purpose. */
export interface Room {
  name: string;
  /** Paths in src that begin with one of these are in the room. */
  paths: string[];
  purpose: string;
  /** The only rooms that may import it; if absent, every room above may. */
  importedBy?: string[];
}

/**
 * The rooms of src from top to bottom: a room imports from rooms below it, and
 * never from one above. A file is in the first room that has its path.
 *
 * A new feature of chat-sessions goes above the features that it imports.
 */
export const ROOMS: Room[] = [
  {
    name: 'processes',
    paths: ['main.ts', 'migrate.ts'],
    purpose:
      '`main.ts`, the service; `migrate.ts`, the job that migrates its database',
  },
  {
    name: 'app',
    paths: ['app/'],
    purpose: 'The stand-alone service: settings, health checks, OpenAPI',
  },
  {
    name: 'package',
    paths: ['index.ts', 'guards.ts'],
    purpose: '`index.ts` and `guards.ts`: what a platform imports',
  },
  {
    name: 'chat-sessions',
    paths: [
      'chat-sessions/chat-sessions.module.ts',
      'chat-sessions/controllers.ts',
      'chat-sessions/entities.ts',
      'chat-sessions/sqlite-data-source.ts',
    ],
    purpose: 'The module itself, which the service and a platform register',
  },
  {
    name: 'chat-sessions/runs',
    paths: ['chat-sessions/runs/'],
    purpose:
      'Feature: answers that are being written, by one writer at a time; usage',
  },
  {
    name: 'chat-sessions/forks',
    paths: ['chat-sessions/forks/'],
    purpose: 'Feature: copy the messages of a path into a new session',
  },
  {
    name: 'chat-sessions/branches',
    paths: ['chat-sessions/branches/'],
    purpose: 'Feature: delete and replace messages, show another branch',
  },
  {
    name: 'chat-sessions/sessions',
    paths: ['chat-sessions/sessions/'],
    purpose: 'Feature: create, read, list, change and delete sessions',
  },
  {
    name: 'chat-sessions/messages',
    paths: ['chat-sessions/messages/'],
    purpose: 'Feature: append, page, change and clear messages',
  },
  {
    name: 'chat-sessions/removal',
    paths: ['chat-sessions/removal/'],
    purpose: 'Clear and delete sessions of any length, and messages in them',
  },
  {
    name: 'chat-sessions/routes',
    paths: ['chat-sessions/routes/'],
    purpose: 'Parts that all controllers share: guard, replies, OpenAPI',
  },
  {
    name: 'chat-sessions/writes',
    paths: ['chat-sessions/writes/'],
    purpose:
      'The one way to change a session: transaction, If-Match, Idempotency-Key, response cache, events after commit',
  },
  {
    name: 'chat-sessions/answers',
    paths: ['chat-sessions/answers/'],
    purpose:
      'The answer that is being written: its outputs, how it is read, how it ends',
  },
  {
    name: 'chat-sessions/store',
    paths: ['chat-sessions/store/'],
    purpose: 'The tables of sessions and messages: entities, SQL, migrations',
  },
  {
    name: 'chat-sessions/tree',
    paths: ['chat-sessions/tree/'],
    purpose:
      'The branches of a session, as pure functions: paths, pages, siblings, changes',
  },
  {
    name: 'chat-sessions/text',
    paths: ['chat-sessions/text/'],
    purpose: 'Starts of texts, and the text of parts',
  },
  {
    name: 'chat-sessions/base',
    paths: [
      'chat-sessions/errors.ts',
      'chat-sessions/limits.ts',
      'chat-sessions/options.ts',
    ],
    purpose: '`options.ts`, `limits.ts` and `errors.ts` of the module',
  },
  {
    name: 'rate-limit',
    paths: ['rate-limit/'],
    purpose: 'The guard that counts requests',
  },
  {
    name: 'identity',
    paths: ['identity/'],
    purpose: 'Who calls: the guard, and its providers of identity',
  },
  {
    name: 'http',
    paths: ['http/'],
    purpose:
      'The HTTP server: bodies, errors, connections, shutdown; knows no sessions',
  },
  {
    name: 'database/open',
    paths: ['database/open-database.ts'],
    purpose: '`open-database.ts`: picks the driver for a data source',
  },
  {
    name: 'database/mysql',
    paths: ['database/mysql/'],
    purpose: 'Units of work on MySQL, MariaDB and Galera, with failover',
    importedBy: ['app', 'database/open'],
  },
  {
    name: 'database/sqlite',
    paths: ['database/sqlite/'],
    purpose: 'Units of work on SQLite',
    importedBy: ['package', 'chat-sessions', 'database/open'],
  },
  {
    name: 'database',
    paths: ['database/'],
    purpose:
      'Units of work, statements, queue, deadlines and retries; knows no entity',
  },
  {
    name: 'validation',
    paths: ['validation/'],
    purpose:
      'DTOs from bodies and queries, and rules that class-validator lacks',
  },
  {
    name: 'json',
    paths: ['json/'],
    purpose: 'Open JSON that is returned exactly as it was sent',
  },
  {
    name: 'errors',
    paths: ['errors/'],
    purpose: 'Errors with codes, and errors as text',
  },
  {
    name: 'client',
    paths: ['client/'],
    purpose: 'The typed client: runs anywhere, shares no code with the service',
    importedBy: [],
  },
];
