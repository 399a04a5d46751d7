import { once } from 'node:events';
import { cpSync, mkdirSync, readFileSync, symlinkSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { freePort } from '../support/mysql-server.js';
import { ROOT } from '../support/service-process.js';
import { temporaryDirectory } from '../support/temporary-directory.js';
import { type Shell, Terminal } from '../support/terminal.js';
import { startTestService } from '../support/test-service.js';
import { which } from '../support/which.js';

/** The shell commands below a heading, one text for each block. */
function blocksBelow(heading: string, file: string): string[] {
  const text = readFileSync(join(ROOT, file), 'utf8');
  const [, section] = text.split(`\n${heading}\n`) as [string, string];
  const [own] = section.split(/^##/m) as [string];
  return Array.from(
    own.matchAll(/^```sh\n(.*?)^```$/gms),
    ([, commands]) => commands!,
  );
}

const TOUR = blocksBelow('## A tour', 'README.md');
const [TOKENS = ''] = blocksBelow('## Identity', 'docs/configuration.md');

/** The files of a checkout that the commands need, in a folder with a space in its name. */
function checkout(): string {
  const directory = join(temporaryDirectory(), 'chat sessions');
  mkdirSync(directory);
  for (const name of [
    'nest-cli.json',
    'package.json',
    'src',
    'test/fixtures',
    'tools',
    'tsconfig.build.json',
    'tsconfig.json',
  ]) {
    cpSync(join(ROOT, name), join(directory, name), { recursive: true });
  }
  symlinkSync(join(ROOT, 'node_modules'), join(directory, 'node_modules'));
  return directory;
}

/** The bodies of responses on a screen. */
function bodiesIn(output: string): unknown[] {
  return Array.from(
    output
      .replaceAll('\r', '')
      .matchAll(/\{"(?:chat_session|message)s?":[^ ].*\}$/gm),
    ([body]) => JSON.parse(body) as unknown,
  );
}

/** A shell, when the lines of a paste run, and so whether the terminal marks them as pasted. */
const ways: [Shell, string, boolean][] = [
  ['zsh', 'one by one', false],
  ['zsh', 'at Enter', true],
  ['bash', 'one by one', false],
  ['bash', 'at Enter', true],
];
const hasAll = ['zsh', 'bash', 'curl', 'python3', 'openssl'].every((name) =>
  which([name]),
);

describe.skipIf(!hasAll)('blocks pasted into a terminal', () => {
  it.each(ways)(
    'the tour in %s, whose lines run %s',
    async (shell, _, isBracketed) => {
      const { url } = await startTestService();
      const terminal = new Terminal(shell, checkout());
      const bodies: unknown[] = [];
      for (const block of TOUR) {
        const isLoad = block.startsWith('npm run load');
        terminal.paste(
          isLoad
            ? `${block.trimEnd()} --url ${url}`
            : block.replace('http://127.0.0.1:3000', url),
          isBracketed,
        );
        const output = await terminal.done();
        bodies.push(...bodiesIn(output));
        if (isLoad) expect(output).toContain('Read back 30 conversations');
      }
      const title = 'Which section covers refunds? 🧾';
      const id = '019ae1c4-7d5e-7c3a-9f10-3b1f6f0c2a01';
      expect(bodies).toMatchObject([
        { chat_session: { id, config: { model: 'large' } } },
        { message: { id: 'q1', seq: 1, content: title } },
        { messages: [{ seq: 2 }, { seq: 3 }] },
        { chat_session: { id, title, message_count: 3 } },
        { messages: [{ seq: 1 }, { seq: 2 }] },
        { message: { id: 'q2', seq: 4, parent_id: null, siblings: [1, 4] } },
        { messages: [{ seq: 1 }, { seq: 2 }, { seq: 3 }, { seq: 4 }] },
        { chat_session: { messages: [{ seq: 1 }, { seq: 2 }, { seq: 3 }] } },
        { messages: [{ seq: 1 }, { seq: 2 }, { seq: 3 }] },
        { chat_sessions: [{ id }] },
        { chat_session: { forked_from: { session_id: id }, message_count: 1 } },
        { message: 'Chat history cleared successfully' },
      ]);
    },
  );

  it.each(ways)(
    'a service with tokens in %s, whose lines run %s',
    async (shell, _, isBracketed) => {
      const port = String(await freePort());
      const terminal = new Terminal(shell, checkout());
      terminal.paste(TOKENS.replaceAll('3001', port), isBracketed);
      const output = await terminal.done();
      expect(output).toContain('HTTP/1.1 200 OK');
      expect(bodiesIn(output)).toEqual([{ messages: [] }]);
      const history = `http://127.0.0.1:${port}/api/history`;
      expect((await fetch(history)).status).toBe(401);
      await terminal.close();
      await expect
        .poll(() => fetch(history).catch(() => null), { timeout: 60_000 })
        .toBeNull();
    },
  );

  it('a service with tokens, if a service without tokens has its port', async () => {
    const tokens: (string | undefined)[] = [];
    const old = createServer(({ headers }, response) => {
      tokens.push(headers.authorization);
      response.end('{"messages":[]}');
    }).listen(0, '127.0.0.1');
    onTestFinished(() => void old.close());
    await once(old, 'listening');
    const { port } = old.address() as AddressInfo;
    const terminal = new Terminal('zsh', checkout());
    terminal.paste(TOKENS.replaceAll('3001', String(port)), false);
    await terminal.shows('EADDRINUSE');
    const { length } = tokens;
    const hasGoneOn = () => tokens.length > length + 1 || tokens.some(Boolean);
    await expect.poll(hasGoneOn, { timeout: 60_000 }).toBe(true);
    // Nobody takes what the other service shows for the effect of a token.
    expect(tokens.filter(Boolean)).toEqual([]);
    expect(terminal.screen).not.toContain('HTTP/1.1 200');
  });
});
