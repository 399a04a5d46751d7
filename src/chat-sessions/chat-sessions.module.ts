import {
  ConfigurableModuleBuilder,
  type DynamicModule,
  Module,
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
import { BranchesController } from './branches/branches.controller.js';
import { BranchesService } from './branches/branches.service.js';
import { chatSessionsEntities } from './entities.js';
import { ForkCopies } from './forks/fork-copies.js';
import { ForkSweeper } from './forks/fork-sweeper.js';
import { ForksController } from './forks/forks.controller.js';
import { ForksService } from './forks/forks.service.js';
import { LIMITS } from './limits.js';
import { ChatMessagesController } from './messages/chat-messages.controller.js';
import { ChatMessagesService } from './messages/chat-messages.service.js';
import { MessageInserts } from './messages/message-inserts.js';
import { MessageReads } from './messages/message-reads.js';
import {
  type ChatSessionsDataSource,
  type ChatSessionsOptions,
  ChatSessionsSettings,
} from './options.js';
import { Purger } from './removal/purger.js';
import { RangePurger } from './removal/range-purger.js';
import { Removal } from './removal/removal.js';
import { KeepBodies } from './routes/keep-bodies.js';
import { Replies } from './routes/replies.js';
import { ActivityCorrection } from './sessions/activity-correction.js';
import { CachedSessions } from './sessions/cached-sessions.js';
import { ChatSessionCreation } from './sessions/chat-session-creation.js';
import { ChatSessionsController } from './sessions/chat-sessions.controller.js';
import { ChatSessionsService } from './sessions/chat-sessions.service.js';
import { HistoryController } from './sessions/history.controller.js';
import { MergePatches } from './sessions/merge-patches.js';
import { SectionChatSessionController } from './sessions/section-chat-session.controller.js';
import { ServeFromCache } from './sessions/serve-from-cache.js';
import { ChatForksRepository } from './store/chat-forks.repository.js';
import { ChatMessagesRepository } from './store/chat-messages.repository.js';
import { ChatPurgesRepository } from './store/chat-purges.repository.js';
import { ChatRangePurgesRepository } from './store/chat-range-purges.repository.js';
import { ChatSessionsRepository } from './store/chat-sessions.repository.js';
import { HiddenMessagesRepository } from './store/hidden-messages.repository.js';
import { LargeReads } from './store/large-reads.js';
import { PlacedMessagesRepository } from './store/placed-messages.repository.js';
import { SessionListsRepository } from './store/session-lists.repository.js';
import { TreesRepository } from './store/trees.repository.js';
import { IdempotencyKeysRepository } from './writes/idempotency/idempotency-keys.repository.js';
import { IdempotencySweeper } from './writes/idempotency/idempotency-sweeper.js';
import { Idempotency } from './writes/idempotency/idempotency.js';
import { ResponseCache } from './writes/response-cache.js';
import { SessionEvents } from './writes/session-events.js';
import { SessionWrites } from './writes/session-writes.js';

const { ConfigurableModuleClass, MODULE_OPTIONS_TOKEN } =
  new ConfigurableModuleBuilder<ChatSessionsOptions>()
    .setClassMethodName('forRoot')
    .setExtras<ChatSessionsDataSource>({ dataSource: undefined }, onDataSource)
    .build();

/**
 * The routes of sessions and messages, with their services. Nothing is global:
 * guards, filter and pipes apply to the module's own controllers.
 *
 *     ChatSessionsModule.forRoot({
 *       dataSource: 'platform',
 *       owner: (request: { user?: { id: string } }) => request.user?.id,
 *     })
 *
 * In `forRootAsync`, give `dataSource` beside `useFactory`. The application
 * does not start with invalid options, or with a data source that the module
 * cannot use; the error is one line that says why.
 */
@Module({
  controllers: [
    ChatSessionsController,
    ChatMessagesController,
    BranchesController,
    ForksController,
    SectionChatSessionController,
    HistoryController,
  ],
  providers: [
    {
      provide: ChatSessionsSettings,
      inject: [MODULE_OPTIONS_TOKEN],
      useFactory: (options: ChatSessionsOptions) =>
        new ChatSessionsSettings(options),
    },
    ChatSessionsService,
    ChatMessagesService,
    BranchesService,
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
    HiddenMessagesRepository,
    LargeReads,
    IdempotencyKeysRepository,
  ],
  exports: [
    ChatSessionsService,
    ChatMessagesService,
    BranchesService,
    ForksService,
    SessionEvents,
    Database,
  ],
})
export class ChatSessionsModule extends ConfigurableModuleClass {}

function onDataSource(
  { imports = [], providers = [], ...definition }: DynamicModule,
  { dataSource }: ChatSessionsDataSource,
): DynamicModule {
  const token = getDataSourceToken(dataSource);
  return {
    ...definition,
    imports: [
      ...imports,
      // Adds the entities to a data source with `autoLoadEntities`.
      TypeOrmModule.forFeature(chatSessionsEntities, dataSource),
    ],
    providers: [
      ...providers,
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
