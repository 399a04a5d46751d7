import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, it, onTestFinished } from 'vitest';
import { openPage } from '../support/browser.js';
import { bundleClient } from '../support/client-bundle.js';
import { startTestService } from '../support/test-service.js';
import { JWT_MODE, signToken } from '../support/tokens.js';

/** Serves an empty page and returns its origin. */
async function startSite(): Promise<string> {
  const server = createServer((_request, response) => {
    response.setHeader('Content-Type', 'text/html').end('<!doctype html>');
  }).listen(0, '127.0.0.1');
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  await once(server, 'listening');
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const PACKED = 'dist/packages/chat-sessions-client/esm/index.js';

it('the packed client calls a service of another origin', async () => {
  const site = await startSite();
  const service = await startTestService({ ...JWT_MODE, CORS_ORIGINS: site });
  const { code } = await bundleClient(PACKED);
  const options = {
    baseUrl: service.url,
    token: await signToken({ sub: 'alice' }),
  };
  const page = await openPage();
  await page.goto(site);

  const found: unknown = await page.evaluate(`(async () => {
    ${code}
    const chats = new client.ChatSessionsClient(${JSON.stringify(options)});
    const { chat_session: { id } } = await chats.create({ title: 'Refunds 🧾' });
    const { etag } = await chats.append(id, [
      { role: 'user', content: 'Hello' },
      { role: 'assistant', content: 'Hi' },
    ]);
    const unchanged = await chats.get(id, { ifNoneMatch: etag });
    const updated = await chats.update(id, { pinned: true }, { ifMatch: etag });
    const lost = await chats.delete(id, { ifMatch: etag }).catch((error) => error);
    const contents = [];
    for await (const message of chats.messages(id, { from: 'newest', limit: 1 })) {
      contents.push(message.content);
    }
    return {
      title: updated.chat_session.title,
      unchanged: unchanged === undefined,
      status: lost.status,
      requestId: lost.requestId.length,
      contents,
    };
  })()`);

  expect(found).toEqual({
    title: 'Refunds 🧾',
    unchanged: true,
    status: 412,
    requestId: 36,
    contents: ['Hi', 'Hello'],
  });
});
