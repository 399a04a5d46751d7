import { expect, it } from 'vitest';
import { EXAMPLES } from '../../src/chat-sessions/routes/openapi/examples.js';
import { openPage } from '../support/browser.js';
import { SwaggerUi } from '../support/swagger-ui.js';
import { startTestService } from '../support/test-service.js';
import { JWT_MODE, signToken } from '../support/tokens.js';

/** The file for a picture of the page; `npm run screenshot` sets it. */
const { SCREENSHOT } = process.env;
const NOBODYS_ID = '00000000-0000-4000-8000-000000000000';

/** A message without the fields that the service adds. */
function inputOf({ id, role, content, parts }: Record<string, unknown>) {
  return { id, role, content, parts };
}

it('Swagger UI fits a phone', async () => {
  const { url } = await startTestService({});
  const page = await openPage();
  await page.setViewportSize({ width: 390, height: 844 });
  await page.goto(`${url}/api/docs`);
  expect(await page.getAttribute('meta[name=viewport]', 'content')).toBe(
    'width=device-width, initial-scale=1',
  );
  expect(await page.title()).toBe('Chat Sessions');
});

it('Swagger UI has no "Authorize" if callers need no token', async () => {
  const { url } = await startTestService({ AUTH_MODE: 'none' });
  const page = await openPage();
  const ui = new SwaggerUi(page);
  await ui.open(`${url}/api/docs`);
  expect(await page.getByText('To explore').innerText()).not.toContain(
    'authorize',
  );
  expect(await page.locator('.authorize, .authorization__btn').count()).toBe(0);
  const history = await ui.execute('getHistory');
  expect(history).toEqual({ status: '200', body: { messages: [] } });
});

it('Swagger UI executes a conversation from its examples', async () => {
  const { url } = await startTestService(JWT_MODE);
  const page = await openPage();
  const requested: string[] = [];
  const consoleMessages: string[] = [];
  page.on('request', (request) => requested.push(request.url()));
  page.on('pageerror', (error) => consoleMessages.push(error.message));
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type())) {
      consoleMessages.push(`${message.text()} ${message.location().url}`);
    }
  });
  const conversation = EXAMPLES.session.chat_session.messages.map(inputOf);

  const ui = new SwaggerUi(page);
  await ui.open(`${url}/api/docs`);
  expect(await page.title()).toBe('Chat Sessions');
  expect(await page.getByText('To explore').innerText()).toContain(
    'authorize first',
  );
  const refused = await ui.execute('getHistory');
  expect(refused).toEqual({
    status: '401',
    body: { error: 'No access token', code: 'unauthorized' },
  });
  await ui.close('getHistory');
  await ui.authorize(await signToken({ sub: 'alice' }));

  const created = await ui.execute('createChatSession');
  expect(created.status).toBe('201');
  expect(created.body.chat_session).toMatchObject(EXAMPLES.newSession);
  await ui.close('createChatSession');

  const one = await ui.execute('appendMessages', { example: 'One message' });
  expect(one.status).toBe('201');
  expect(one.body.message).toMatchObject(EXAMPLES.newMessage);
  await ui.close('appendMessages');

  const several = await ui.execute('appendMessages', {
    example: 'Several, all or none',
  });
  expect(several.status).toBe('201');
  expect(several.body.messages.map(inputOf)).toEqual(conversation.slice(1));
  await ui.close('appendMessages');

  const session = await ui.execute('getChatSession');
  expect(session.status).toBe('200');
  expect(session.body.chat_session.messages.map(inputOf)).toEqual(conversation);
  await ui.close('getChatSession');

  const list = await ui.execute('listChatSessions');
  expect(list.status).toBe('200');
  expect(list.body.chat_sessions).toMatchObject([
    { id: EXAMPLES.sessionId, preview: conversation.at(-1)!.content },
  ]);
  await ui.close('listChatSessions');

  const missing = await ui.execute('getMessages', {
    parameters: { session_id: NOBODYS_ID },
  });
  expect(missing).toEqual({
    status: '404',
    body: { error: 'Chat session not found', code: 'not_found' },
  });
  await ui.close('getMessages');

  const history = await ui.execute('getHistory');
  expect(history.status).toBe('200');
  expect(history.body.messages.map(inputOf)).toEqual(conversation);
  if (SCREENSHOT) await ui.screenshot(SCREENSHOT, 'getHistory');

  const otherHosts = requested.filter((it) => !it.startsWith(`${url}/`));
  expect(otherHosts).toEqual([]);
  // The browser's messages for the two responses that are expected to be errors.
  const failed = 'Failed to load resource: the server responded with a status';
  expect(consoleMessages).toEqual([
    `${failed} of 401 (Unauthorized) ${url}/api/history`,
    `${failed} of 404 (Not Found) ${url}/api/chat-sessions/${NOBODYS_ID}/messages?limit=50`,
  ]);
});
