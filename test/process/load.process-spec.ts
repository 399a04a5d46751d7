import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  afterAll,
  beforeAll,
  describe,
  expect,
  it,
  onTestFinished,
} from 'vitest';
import type { Conversation } from '../../tools/load/conversations.js';
import { load } from '../../tools/load/load.js';
import type { MessagePage, SessionList } from '../support/api.js';
import type { TestDatabase } from '../support/mysql-database.js';
import {
  ROOT,
  type ServiceProcess,
  startService,
} from '../support/service-process.js';
import { temporaryDirectory } from '../support/temporary-directory.js';
import { createTestDatabase } from '../support/test-database.js';
import { runLoader, startTestService } from '../support/test-service.js';
import { JWT_MODE, signToken } from '../support/tokens.js';

const FILE = join(ROOT, 'test/fixtures/conversations.jsonl');
const LINES = readFileSync(FILE, 'utf8').split('\n').filter(Boolean);

let database: TestDatabase;
let service: ServiceProcess;

/** Starts a service without sessions for the tests of a `describe`. */
function useService(): void {
  beforeAll(async () => {
    database = await createTestDatabase();
    service = await startService({
      DATABASE_URL: database.url,
      DATABASE_MIGRATE: 'true',
    });
  });
  afterAll(async () => {
    await service?.stop();
    await database?.remove();
  });
}

async function get<T>(path: string): Promise<T> {
  const response = await fetch(`${service.url}/api/${path}`);
  if (!response.ok) throw new Error(await response.text());
  return (await response.json()) as T;
}

/** The fields of messages that must arrive unchanged, as text to compare. */
function textOf(messages: Conversation['messages']): string {
  return JSON.stringify(
    messages.map(({ role, content, parts }) => [role, content, parts ?? null]),
  );
}

/** The messages of every session, read without the loader. */
async function storedTexts(): Promise<string[]> {
  const texts: string[] = [];
  let cursor: string | null = '';
  do {
    const list: SessionList = await get<SessionList>(
      `chat-sessions?limit=10${cursor && `&cursor=${cursor}`}`,
    );
    for (const { id } of list.chat_sessions) {
      const messages: MessagePage['messages'] = [];
      let page: MessagePage;
      do {
        const after = messages.at(-1)?.seq ?? 0;
        page = await get(`chat-sessions/${id}/messages?after=${after}&limit=7`);
        messages.push(...page.messages);
      } while (page.has_after);
      texts.push(textOf(messages));
    }
    cursor = list.next_cursor;
  } while (cursor);
  return texts.toSorted();
}

function textsOf(lines: string[]): string[] {
  return lines
    .map((line) => textOf((JSON.parse(line) as Conversation).messages))
    .toSorted();
}

describe('load', () => {
  useService();

  it('stores the sample conversations unchanged', async () => {
    const report = await load({
      file: FILE,
      url: service.url,
      concurrency: 8,
      verify: true,
    });
    expect(report).toEqual({
      conversations: 30,
      messages: 428,
      seconds: expect.any(Number) as number,
      verified: 30,
      failures: [],
    });
    expect(LINES).toHaveLength(30);
    expect(await storedTexts()).toEqual(textsOf(LINES));
  });

  it('stores nothing twice if the file is loaded again', async () => {
    const file = join(temporaryDirectory(), 'repeated.jsonl');
    // Two equal conversations are two.
    const lines = [...LINES, LINES[0]!];
    writeFileSync(file, lines.join('\n'));
    for (let times = 0; times < 2; times++) {
      const report = await load({ file, url: service.url, concurrency: 8 });
      expect(report).toMatchObject({ conversations: 31, failures: [] });
      expect(await storedTexts()).toEqual(textsOf(lines));
    }
  });
});

describe('load for several owners', () => {
  it('stores the file for each', async () => {
    const own = await createTestDatabase();
    onTestFinished(() => own.remove());
    const { url } = await startTestService({
      ...JWT_MODE,
      DATABASE_URL: own.url,
      DATABASE_MIGRATE: 'true',
    });
    for (const sub of ['alice', 'bob', 'alice']) {
      const token = await signToken({ sub });
      const report = await load({
        file: FILE,
        url,
        token,
        concurrency: 4,
        verify: true,
      });
      expect(report).toMatchObject({ verified: 30, failures: [] });
      const response = await fetch(`${url}/api/chat-sessions?limit=100`, {
        headers: { authorization: `Bearer ${token}` },
      });
      const { chat_sessions } = (await response.json()) as SessionList;
      expect(chat_sessions).toHaveLength(30);
    }
  });
});

describe('npm run load', () => {
  useService();

  it('prints its report and exits with 0', async () => {
    const ending = await runLoader(FILE, '--url', service.url, '--verify');
    expect(ending.stderr).toBe('');
    expect(ending.stdout).toMatch(
      /^Loaded 30 conversations with 428 messages in [\d.]+ s\n/,
    );
    expect(ending.stdout).toContain(
      'Read back 30 conversations, equal to what was sent\nFailures: 0\n',
    );
    expect(ending.exitCode).toBe(0);
  });

  it('loads the valid lines and names the others', async () => {
    const file = join(temporaryDirectory(), 'broken.jsonl');
    const [first, second, third] = LINES;
    const lines = [first, second!.slice(0, -1), third];
    writeFileSync(file, `${lines.join('\n')}\n`);
    const ending = await runLoader(file, '--url', service.url, '--verify');
    expect(ending.stdout).toMatch(/^Loaded 2 conversations/);
    expect(ending.stdout).toContain('Read back 2 conversations');
    expect(ending.stdout).toContain(
      'Failures: 1\n  1 x not JSON in UTF-8\n    lines 2\n',
    );
    expect(ending.exitCode).toBe(1);
  });
});
