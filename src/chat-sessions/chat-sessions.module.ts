import { type DynamicModule, Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { AnswerCache, CacheSettings } from './answer-cache.js';
import { ChatMessagesController } from './chat-messages.controller.js';
import { ChatMessagesRepository } from './chat-messages.repository.js';
import { ChatMessagesService } from './chat-messages.service.js';
import { ChatSessionAnswers } from './chat-session-answers.js';
import { ChatSessionsController } from './chat-sessions.controller.js';
import { ChatSessionsRepository } from './chat-sessions.repository.js';
import { ChatSessionsService } from './chat-sessions.service.js';
import { ChatMessage } from './entities/chat-message.entity.js';
import { ChatSession } from './entities/chat-session.entity.js';
import { IdempotencyKey } from './entities/idempotency-key.entity.js';
import { HistoryController } from './history.controller.js';
import { Idempotency } from './idempotency.js';
import { IdempotencyKeysRepository } from './idempotency-keys.repository.js';
import {
  IdempotencySettings,
  IdempotencySweeper,
} from './idempotency-sweeper.js';
import { SectionChatSessionController } from './section-chat-session.controller.js';

@Module({
  imports: [
    TypeOrmModule.forFeature([ChatSession, ChatMessage, IdempotencyKey]),
  ],
  controllers: [
    ChatSessionsController,
    ChatMessagesController,
    SectionChatSessionController,
    HistoryController,
  ],
  providers: [
    ChatSessionsService,
    ChatMessagesService,
    ChatSessionAnswers,
    AnswerCache,
    Idempotency,
    IdempotencySweeper,
    ChatSessionsRepository,
    ChatMessagesRepository,
    IdempotencyKeysRepository,
  ],
  exports: [ChatSessionsService, ChatMessagesService],
})
export class ChatSessionsModule {
  static with(settings: IdempotencySettings & CacheSettings): DynamicModule {
    return {
      module: ChatSessionsModule,
      providers: [
        { provide: IdempotencySettings, useValue: settings },
        { provide: CacheSettings, useValue: settings },
      ],
    };
  }
}
