import { relative, resolve } from 'node:path';
import { createContext, runInContext } from 'node:vm';
import type { Rolldown } from 'vite';
import { beforeAll, describe, expect, it } from 'vitest';
import { bundleClient } from '../support/client-bundle.js';

const CLIENT = resolve(import.meta.dirname, '../../src/client');

/** The globals that the client may use, both in a browser and in Node.js. */
const WEB = {
  AbortController,
  clearTimeout,
  crypto,
  Headers,
  performance,
  setTimeout,
  URLSearchParams,
};

let bundle: Rolldown.OutputChunk;

beforeAll(async () => {
  bundle = await bundleClient();
});

describe('the client, bundled for a browser', () => {
  it('contains only its own files', () => {
    expect(bundle.imports).toEqual([]);
    const files = bundle.moduleIds.map((id) => relative(CLIENT, id));
    expect(files).toContain('transport.ts');
    expect(files.filter((file) => !/^[a-z-]+\.ts$/.test(file))).toEqual([]);
  });

  it('runs without the globals of Node.js', async () => {
    const urls: string[] = [];
    const responses = [
      new Response(null, { status: 503 }),
      Response.json({ messages: ['!'] }),
    ];
    const context = createContext({
      ...WEB,
      fetch: async (url: string) => {
        urls.push(url);
        return Promise.resolve(responses.shift());
      },
    });
    const history: unknown = await runInContext(
      `${bundle.code};
      new client.ChatSessionsClient({ baseUrl: '', token: 'abc' }).history()`,
      context,
    );
    expect(history).toEqual({ messages: ['!'] });
    expect(urls).toEqual(['/api/history', '/api/history']);
  });
});
