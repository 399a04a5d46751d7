import { execFile } from 'node:child_process';
import { cpSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { install, rangesOf, write } from '../support/embedding/packages.js';
import { ROOT } from '../support/service-process.js';
import { temporaryDirectory } from '../support/temporary-directory.js';

const run = promisify(execFile);

/** A test of an application that has the module. */
const SPEC = `
import { Module, type INestApplication } from '@nestjs/common';
import { DocumentBuilder, SwaggerModule } from '@nestjs/swagger';
import { Test } from '@nestjs/testing';
import { TypeOrmModule } from '@nestjs/typeorm';
import { ChatSessionsClient } from 'chat-sessions-client';
import { ChatSessionsModule, sqliteDataSource } from 'nest-chat-sessions';
import { JwtIdentityProvider } from 'nest-chat-sessions/guards';
import { readFileSync } from 'node:fs';

const chats = sqliteDataSource(':memory:', { migrationsRun: true });

@Module({
  imports: [
    TypeOrmModule.forRootAsync({
      useFactory: () => chats.options,
      dataSourceFactory: () => Promise.resolve(chats),
    }),
    ChatSessionsModule.forRoot({ owner: () => 'alice' }),
  ],
})
class AppModule {}

let app: INestApplication;

beforeAll(async () => {
  const testing = Test.createTestingModule({ imports: [AppModule] });
  app = (await testing.compile()).createNestApplication();
  await app.listen(0, '127.0.0.1');
});

afterAll(() => app.close());

it('serves the routes to the client', async () => {
  const client = new ChatSessionsClient({
    baseUrl: await app.getUrl(),
    prefix: '',
  });
  const { chat_session } = await client.create({ title: 'Refunds' });
  await client.append(chat_session.id, { role: 'user', content: 'Hello' });
  const { messages } = await client.history();
  expect(messages.map(({ content }) => content)).toEqual(['Hello']);
});

it('describes the routes as the service does', () => {
  const options = new DocumentBuilder().build();
  const { components } = SwaggerModule.createDocument(app, options);
  const { ChatSession, ChatMessagePage } = components!.schemas!;
  const file = JSON.parse(readFileSync('openapi.json', 'utf8'));
  const { schemas } = file.components;
  expect(ChatSession).toEqual(schemas.ChatSession);
  expect(ChatMessagePage).toEqual(schemas.ChatMessagePage);
});

it('verifies tokens', async () => {
  const provider = JwtIdentityProvider.withSecret('x'.repeat(32));
  const rawHeaders = ['Authorization', 'Bearer a.b.c'];
  await expect(provider.identify({ rawHeaders } as never)).rejects.toThrow(
    'The access token is not valid',
  );
});
`;

/** The settings that `nest new` writes, for all files of JavaScript that Jest loads. */
const JEST = {
  moduleFileExtensions: ['js', 'json', 'ts'],
  rootDir: 'src',
  testRegex: String.raw`.*\.spec\.ts$`,
  transform: { [String.raw`^.+\.(t|j)s$`]: 'ts-jest' },
  testEnvironment: 'node',
  // An ES module, which only the guards load.
  transformIgnorePatterns: ['/node_modules/(?!jose/)'],
};

const COMPILER_OPTIONS = {
  module: 'commonjs',
  target: 'ES2023',
  esModuleInterop: true,
  experimentalDecorators: true,
  emitDecoratorMetadata: true,
  allowJs: true,
  skipLibCheck: true,
  strict: true,
};

it('Jest loads the module and the client as CommonJS', async () => {
  const directory = temporaryDirectory();
  await install(directory, {
    packed: ['nest-chat-sessions', 'chat-sessions-client'],
    ranges: {
      ...rangesOf([
        '@nestjs/throttler',
        'better-sqlite3',
        'class-validator',
        'jose',
        'rate-limiter-flexible',
        'reflect-metadata',
        'rxjs',
        'typeorm',
      ]),
      '@nestjs/common': '^11',
      '@nestjs/core': '^11',
      '@nestjs/platform-express': '^11',
      '@nestjs/swagger': '^11',
      '@nestjs/testing': '^11',
      '@nestjs/typeorm': '^11',
      '@types/jest': '^30',
      jest: '^30',
      'ts-jest': '^29',
      typescript: '^5',
    },
    unlocked: true,
    manifest: { jest: JEST },
  });
  const tsconfig = { compilerOptions: COMPILER_OPTIONS };
  write(directory, 'tsconfig.json', JSON.stringify(tsconfig));
  write(directory, 'src/app.spec.ts', SPEC);
  cpSync(join(ROOT, 'openapi.json'), join(directory, 'openapi.json'));
  const jest = join(directory, 'node_modules/jest/bin/jest.js');
  const { stderr } = await run(process.execPath, [jest], { cwd: directory });
  expect(stderr).toContain('Tests:       3 passed, 3 total');
}, 900_000);
