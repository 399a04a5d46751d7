/**
 * The peer `nest-default`: the way of `nest new` and of TypeORM's documentation,
 * with Express, relations, `findOneOrFail`, and `save` in a transaction.
 */
import {
  Body,
  Controller,
  Get,
  Headers,
  Inject,
  Injectable,
  Module,
  Param,
  Post,
  Query,
} from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { InjectRepository, TypeOrmModule } from '@nestjs/typeorm';
import 'reflect-metadata';
import { LessThan, Repository } from 'typeorm';
import {
  Message,
  Session,
  toMessage,
  toSession,
  toSummary,
} from './nest-default.entities.js';

interface NewMessage {
  id: string;
  role: string;
  content: string;
  parts?: object[];
}

@Injectable()
class SessionsService {
  constructor(
    @InjectRepository(Session) private readonly sessions: Repository<Session>,
    @InjectRepository(Message) private readonly messages: Repository<Message>,
  ) {}

  async findOne(ownerId: string, id: string) {
    const session = await this.sessions.findOneOrFail({
      where: { id, ownerId },
      relations: { messages: true },
      order: { messages: { seq: 'ASC' } },
    });
    return { chat_session: toSession(session) };
  }

  async findAll(ownerId: string, limit: number) {
    const found = await this.sessions.find({
      where: { ownerId, archived: false },
      order: { lastActivityAt: 'DESC', id: 'DESC' },
      take: limit + 1,
    });
    const last = found[limit] && found[limit - 1];
    const position = last && `${last.lastActivityAt.getTime()}.${last.id}`;
    return {
      chat_sessions: found.slice(0, limit).map(toSummary),
      next_cursor: position
        ? Buffer.from(position).toString('base64url')
        : null,
    };
  }

  async page(ownerId: string, sessionId: string, before: number, take: number) {
    const session = await this.sessions.findOneByOrFail({
      id: sessionId,
      ownerId,
    });
    const found = await this.messages.find({
      where: { sessionId, seq: LessThan(before) },
      order: { seq: 'DESC' },
      take: take + 1,
    });
    const messages = found.slice(0, take).reverse();
    return {
      messages: messages.map((message, index) =>
        toMessage(message, (messages[index - 1] ?? found[take])?.id ?? null),
      ),
      has_before: found.length > take,
      has_after: before <= session.lastSeq,
    };
  }

  async append(ownerId: string, id: string, input: NewMessage) {
    const message = await this.sessions.manager.transaction(async (manager) => {
      const session = await manager.findOneOrFail(Session, {
        where: { id, ownerId },
        lock: { mode: 'pessimistic_write' },
      });
      if (await manager.existsBy(Message, { sessionId: id, id: input.id })) {
        throw new Error('The load repeats an id');
      }
      const newest = await manager.findOneBy(Message, {
        sessionId: id,
        seq: session.lastSeq,
      });
      const parentId = newest?.id ?? null;
      const now = new Date();
      const message = manager.create(Message, {
        sessionId: id,
        seq: session.lastSeq + 1,
        ownerId,
        id: input.id,
        role: input.role,
        content: input.content,
        parts: input.parts ?? null,
        references: [],
        metadata: {},
        createdAt: now,
        editedAt: null,
      });
      message.bytes = Buffer.byteLength(
        JSON.stringify(toMessage(message, parentId)),
      );
      session.messageCount += 1;
      session.lastSeq = message.seq;
      session.maxMessageBytes = Math.max(
        session.maxMessageBytes,
        message.bytes,
      );
      session.preview = Array.from(message.content.slice(0, 320))
        .slice(0, 160)
        .join('');
      session.lastMessageAt = session.lastActivityAt = now;
      session.updatedAt = now;
      session.version += 1;
      await manager.save(message);
      await manager.save(session);
      return toMessage(message, parentId);
    });
    return { message };
  }
}

@Controller('api/chat-sessions')
class SessionsController {
  constructor(
    @Inject(SessionsService) private readonly sessions: SessionsService,
  ) {}

  @Get()
  findAll(@Headers('x-user-id') owner: string, @Query('limit') limit: string) {
    return this.sessions.findAll(owner, Number(limit));
  }

  @Get(':id')
  findOne(@Headers('x-user-id') owner: string, @Param('id') id: string) {
    return this.sessions.findOne(owner, id);
  }

  @Get(':id/messages')
  page(
    @Headers('x-user-id') owner: string,
    @Param('id') id: string,
    @Query('before') before: string,
    @Query('limit') limit: string,
  ) {
    return this.sessions.page(owner, id, Number(before), Number(limit));
  }

  @Post(':id/messages')
  append(
    @Headers('x-user-id') owner: string,
    @Param('id') id: string,
    @Body() body: NewMessage,
  ) {
    return this.sessions.append(owner, id, body);
  }
}

@Module({
  imports: [
    TypeOrmModule.forRoot({
      type: 'mariadb',
      url: process.env.DATABASE_URL!,
      entities: [Session, Message],
      charset: 'utf8mb4',
      timezone: 'Z',
    }),
    TypeOrmModule.forFeature([Session, Message]),
  ],
  controllers: [SessionsController],
  providers: [SessionsService],
})
class AppModule {}

const app = await NestFactory.create(AppModule);
await app.listen(0, '127.0.0.1');
console.log(`Listening on ${await app.getUrl()}`);
