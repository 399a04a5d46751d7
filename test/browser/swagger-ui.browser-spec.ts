import { expect, it, onTestFinished } from 'vitest';
import { EXAMPLES } from '../../src/chat-sessions/routes/openapi/examples.js';
import { openPage } from '../support/browser.js';
import { startService } from '../support/service-process.js';
import { SwaggerUi } from '../support/swagger-ui.js';
import { JWT_MODE, signToken } from '../support/tokens.js';

/** Where `npm run screenshot` wants the page as a picture. */
const { SCREENSHOT } = process.env;
const NOBODYS_ID = '00000000-0000-4000-8000-000000000000';

async function startJwtService(): Promise<string> {
  const service = await startService(JWT_MODE);
  onTestFinished(async () => {
    await service.stop();
  });
  return service.url;
}

/** A message without what the service adds. */
function said({ id, role, content, parts }: Record<string, unknown>) {
  return { id, role, content, parts };
}

it('Swagger UI leads through a conversation', async () => {
  const url = await startJwtService();
  const page = await openPage();
  const requested: string[] = [];
  const complaints: string[] = [];
  page.on('request', (request) => requested.push(request.url()));
  page.on('pageerror', (error) => complaints.push(error.message));
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type())) {
      complaints.push(`${message.text()} ${message.location().url}`);
    }
  });
  const conversation = EXAMPLES.session.chat_session.messages.map(said);

  const ui = new SwaggerUi(page);
  await ui.open(`${url}/api/docs`);
  expect(await page.title()).toBe('Chat Sessions');
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
  expect(several.body.messages.map(said)).toEqual(conversation.slice(1));
  await ui.close('appendMessages');

  const session = await ui.execute('getChatSession');
  expect(session.status).toBe('200');
  expect(session.body.chat_session.messages.map(said)).toEqual(conversation);
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
  expect(history.body.messages.map(said)).toEqual(conversation);
  if (SCREENSHOT) await ui.screenshot(SCREENSHOT, 'getHistory');

  const elsewhere = requested.filter((it) => !it.startsWith(`${url}/`));
  expect(elsewhere).toEqual([]);
  // The browser's own words for the answers that are meant to be errors.
  const failed = 'Failed to load resource: the server responded with a status';
  expect(complaints).toEqual([
    `${failed} of 401 (Unauthorized) ${url}/api/history`,
    `${failed} of 404 (Not Found) ${url}/api/chat-sessions/${NOBODYS_ID}/messages?limit=50`,
  ]);
});
