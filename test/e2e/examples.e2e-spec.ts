import type { OpenAPIObject } from '@nestjs/swagger';
import { readFile } from 'node:fs/promises';
import { expect, it } from 'vitest';
import { EXAMPLES } from '../../src/chat-sessions/routes/openapi/examples.js';
import { type Method, useTestApp } from '../support/test-app.js';

const api = useTestApp();

interface Content {
  'application/json': {
    example?: object;
    examples?: Record<string, { value: object }>;
  };
}

interface Operation {
  operationId: string;
  parameters?: { in: string; name: string; schema: { example?: string } }[];
  requestBody?: { content: Content };
  responses: Record<string, { content?: Content }>;
}

/** In the order of the conversation. `example` is a number, for a response with several examples. */
const STEPS: [operationId: string, status: number, example?: number][] = [
  ['createChatSession', 201],
  ['createChatSession', 200],
  ['appendMessages', 201, 1],
  ['appendMessages', 200, 1],
  ['appendMessages', 201, 2],
  ['appendMessages', 200, 2],
  ['getChatSession', 200],
  ['getMessages', 200],
  ['getMessage', 200],
  ['listChatSessions', 200],
  ['getHistory', 200],
  ['getSessionHistory', 200],
  ['updateChatSession', 200],
  ['replaceChatConfig', 200],
  ['updateMessage', 200],
  ['appendMessages', 201, 3],
  ['appendMessages', 200, 3],
  ['replaceMessages', 201],
  ['replaceMessages', 200],
  ['replaceLeaf', 200],
  ['startRun', 201],
  ['startRun', 200],
  ['getRun', 200],
  ['writeRunOutput', 200],
  ['pauseRun', 200],
  ['answerInterrupt', 200],
  ['resumeRun', 200],
  ['finishRun', 200],
  ['cancelRun', 200],
  ['getUsage', 200],
  ['forkChatSession', 201],
  ['deleteMessage', 204],
  ['clearChatSession', 200],
  ['deleteChatSession', 204],
  ['getOrCreateSectionChatSession', 201],
  ['getOrCreateSectionChatSession', 200],
];

it('the examples are real responses', async () => {
  const { body: document } = await api.send<OpenAPIObject>(
    'GET',
    '/api/docs-json',
  );
  const operations = Object.entries(document.paths).flatMap(([path, item]) =>
    Object.entries(item as Record<string, Operation>).map(
      ([method, operation]) => ({ path, method, operation }),
    ),
  );
  for (const [operationId, status, number] of STEPS) {
    const { path, method, operation } = operations.find(
      (one) => one.operation.operationId === operationId,
    )!;
    const url = path.replace(
      /\{(\w+)\}/g,
      (_, name) =>
        operation.parameters!.find((one) => one.name === name)!.schema.example!,
    );
    const response = await api.send(
      method.toUpperCase() as Method,
      url,
      exampleOf(operation.requestBody?.content, number),
    );
    const documented = exampleOf(operation.responses[status]!.content, number);
    const what = `${operationId} ${status}`;
    expect(response.status, what).toBe(status);
    expect(comparable(response.body), what).toEqual(comparable(documented));
  }
});

it('the examples are a real conversation', async () => {
  const lines = await readFile('test/fixtures/conversations.jsonl', 'utf8');
  const { messages } = JSON.parse(lines.split('\n')[14]!) as {
    messages: object[];
  };
  const { newMessage, newMessages } = EXAMPLES;
  const quoted = [newMessage, ...newMessages.messages].map(
    ({ id: _id, ...message }) => message,
  );
  expect(quoted).toEqual(messages.slice(0, quoted.length));
});

function exampleOf(content: Content | undefined, number = 1) {
  if (!content) return undefined;
  const { example, examples } = content['application/json'];
  return example ?? examples![number]!.value;
}

/** A body without the ids and times that the service makes. */
function comparable(body: unknown): unknown {
  if (body === undefined || body === '') return '';
  const { sessionId } = EXAMPLES;
  const text = JSON.stringify(body)
    .replace(/"\d{4}-\d\d-\d\dT[\d:.]+Z"/g, '"a time"')
    .replace(/"\d{4}-\d\d-\d\d"/g, '"a day"')
    .replace(/"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"/g, (id) =>
      id === JSON.stringify(sessionId) ? id : '"an id"',
    );
  return JSON.parse(text);
}
