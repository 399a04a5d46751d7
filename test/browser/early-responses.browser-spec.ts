import { expect, it } from 'vitest';
import { openPage } from '../support/browser.js';
import { startTestService } from '../support/test-service.js';
import { JWT_MODE } from '../support/tokens.js';

it.each([
  [401, 3 * 1024 * 1024],
  [413, 8 * 1024 * 1024],
])(
  'a page sees %i, although it still sends the body',
  async (status, bytes) => {
    const service = await startTestService({
      ...JWT_MODE,
      BODY_LIMIT: '4194304',
    });
    const page = await openPage();
    await page.goto(`${service.url}/api/docs`);
    const statuses = await page.evaluate(async (size) => {
      const body = 'x'.repeat(size);
      const headers = { 'content-type': 'application/json' };
      const found: number[] = [];
      while (found.length < 50) {
        const sent = { method: 'POST', headers, body };
        found.push((await fetch('/api/chat-sessions', sent)).status);
      }
      return found;
    }, bytes);
    expect(statuses).toEqual(Array(50).fill(status));
  },
);
