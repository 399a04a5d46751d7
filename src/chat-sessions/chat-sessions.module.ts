import {
  ConfigurableModuleBuilder,
  type DynamicModule,
  Module,
  type Provider,
} from '@nestjs/common';
import {
  getDataSourceToken,
  getRepositoryToken,
  TypeOrmModule,
} from '@nestjs/typeorm';
import type { DataSource } from 'typeorm';
import { Database } from '../database/database.js';
import { openDatabase } from '../database/open-database.js';
import { ChatSessionsExceptionsFilter } from '../http/exception.filter.js';
import { OpenAnswers } from './answers/open-answers.js';
import { RunEndings } from './answers/run-endings.js';
import { BranchesService } from './branches/branches.service.js';
import { controllersOf } from './controllers.js';
import { chatSessionsEntities } from './entities.js';
import { ForkCopies } from './forks/fork-copies.js';
import { ForkSweeper } from './forks/fork-sweeper.js';
import { ForksService } from './forks/forks.service.js';
import { LIMITS } from './limits.js';
import { ChatMessagesService } from './messages/chat-messages.service.js';
import { MessageInserts } from './messages/message-inserts.js';
import { MessageReads } from './messages/message-reads.js';
import {
  type ChatSessionsOptions,
  type ChatSessionsRegistration,
  ChatSessionsSettings,
} from './options.js';
import { Purger } from './removal/purger.js';
import { RangePurger } from './removal/range-purger.js';
import { Removal } from './removal/removal.js';
import { KeepBodies } from './routes/keep-bodies.js';
import { Replies } from './routes/replies.js';
import { InterruptsService } from './runs/interrupts.service.js';
import { RepeatedStarts } from './runs/repeated-starts.js';
import { RunOutputsService } from './runs/run-outputs.service.js';
import { RunsService } from './runs/runs.service.js';
import { UsageService } from './runs/usage.service.js';
import { ActivityCorrection } from './sessions/activity-correction.js';
import { CachedSessions } from './sessions/cached-sessions.js';
import { ChatSessionCreation } from './sessions/chat-session-creation.js';
import { ChatSessionsService } from './sessions/chat-sessions.service.js';
import { MergePatches } from './sessions/merge-patches.js';
import {
  ServeFromCache,
  SESSIONS_PATH,
  sessionsPathOf,
} from './sessions/serve-from-cache.js';
import { ChatForksRepository } from './store/chat-forks.repository.js';
import { ChatMessagesRepository } from './store/chat-messages.repository.js';
import { ChatPurgesRepository } from './store/chat-purges.repository.js';
import { ChatRangePurgesRepository } from './store/chat-range-purges.repository.js';
import { ChatRunsRepository } from './store/chat-runs.repository.js';
import { ChatSessionsRepository } from './store/chat-sessions.repository.js';
import { ChatUsageRepository } from './store/chat-usage.repository.js';
import { HiddenMessagesRepository } from './store/hidden-messages.repository.js';
import { LargeReads } from './store/large-reads.js';
import { PlacedMessagesRepository } from './store/placed-messages.repository.js';
import { SessionListsRepository } from './store/session-lists.repository.js';
import { TreesRepository } from './store/trees.repository.js';
import { IdempotencyKeysRepository } from './writes/idempotency/idempotency-keys.repository.js';
import { IdempotencySweeper } from './writes/idempotency/idempotency-sweeper.js';
import { Idempotency } from './writes/idempotency/idempotency.js';
import { ResponseCache } from './writes/response-cache.js';
import { RunExpiry } from './writes/run-expiry.js';
import { SessionEvents } from './writes/session-events.js';
import { SessionWrites } from './writes/session-writes.js';

const PROVIDERS: Provider[] = [
  ChatSessionsService,
  ChatMessagesService,
  BranchesService,
  RunsService,
  RunOutputsService,
  InterruptsService,
  UsageService,
  RepeatedStarts,
  RunEndings,
  RunExpiry,
  OpenAnswers,
  ForksService,
  ForkCopies,
  ForkSweeper,
  MessageReads,
  MessageInserts,
  ChatSessionCreation,
  ActivityCorrection,
  CachedSessions,
  ServeFromCache,
  KeepBodies,
  MergePatches,
  Replies,
  ChatSessionsExceptionsFilter,
  Removal,
  Purger,
  RangePurger,
  SessionWrites,
  SessionEvents,
  ResponseCache,
  Idempotency,
  IdempotencySweeper,
  ChatSessionsRepository,
  SessionListsRepository,
  ChatMessagesRepository,
  PlacedMessagesRepository,
  TreesRepository,
  ChatPurgesRepository,
  ChatRangePurgesRepository,
  ChatForksRepository,
  ChatRunsRepository,
  ChatUsageRepository,
  HiddenMessagesRepository,
  LargeReads,
  IdempotencyKeysRepository,
];

const EXPORTS = [
  ChatSessionsService,
  ChatMessagesService,
  BranchesService,
  ForksService,
  RunsService,
  RunOutputsService,
  InterruptsService,
  UsageService,
  SessionEvents,
  Database,
];

/** Nest takes these from the options, as their keys are here. */
const NO_EXTRAS: Record<keyof ChatSessionsRegistration, undefined> = {
  dataSource: undefined,
  isGlobal: undefined,
  routes: undefined,
  path: undefined,
  version: undefined,
  errors: undefined,
  swagger: undefined,
};

const { ConfigurableModuleClass, MODULE_OPTIONS_TOKEN } =
  new ConfigurableModuleBuilder<ChatSessionsOptions>()
    .setClassMethodName('forRoot')
    .setExtras<ChatSessionsRegistration>(NO_EXTRAS, registered)
    .build();

/**
 * The routes of sessions and messages, with their services. Guards, filter and
 * pipes apply to the module's own controllers. Configure it once; a module that
 * injects its services imports the result, or nothing at all with `isGlobal`.
 *
 *     ChatSessionsModule.forRoot({
 *       dataSource: 'platform',
 *       owner: (request: { user?: { id: string } }) => request.user?.id,
 *     })
 *
 * In `forRootAsync`, the options of `ChatSessionsRegistration`, such as
 * `dataSource`, stand beside `useFactory`. The application does not start with
 * invalid options, or with a data source that the module cannot use; the error
 * is one line that says why.
 */
@Module({})
export class ChatSessionsModule extends ConfigurableModuleClass {}

function registered(
  { imports = [], providers = [], ...definition }: DynamicModule,
  registration: ChatSessionsRegistration,
): DynamicModule {
  const { dataSource, isGlobal } = registration;
  const token = getDataSourceToken(dataSource);
  return {
    ...definition,
    global: isGlobal,
    controllers: controllersOf(registration),
    exports: EXPORTS,
    imports: [
      ...imports,
      // Adds the entities to a data source with `autoLoadEntities`.
      TypeOrmModule.forFeature(chatSessionsEntities, dataSource),
    ],
    providers: [
      ...PROVIDERS,
      ...providers,
      {
        provide: ChatSessionsSettings,
        inject: [MODULE_OPTIONS_TOKEN],
        useFactory: (options: ChatSessionsOptions) =>
          new ChatSessionsSettings(options),
      },
      { provide: SESSIONS_PATH, useValue: sessionsPathOf(registration) },
      // Repositories under tokens without the name of the data source.
      ...chatSessionsEntities.map((entity) => ({
        provide: getRepositoryToken(entity),
        inject: [token],
        useFactory: (source: DataSource) => source.getRepository(entity),
      })),
      {
        provide: Database,
        inject: [token, ChatSessionsSettings],
        useFactory: (source: DataSource, settings: ChatSessionsSettings) =>
          openDatabase(source, {
            entities: chatSessionsEntities,
            name: dataSource ?? 'default',
            deadlineMs: settings.deadlineMs,
            textBytes: LIMITS.contentBytes,
          }),
      },
    ],
  };
}
