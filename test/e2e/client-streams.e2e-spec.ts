import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type AnswerPart, ChatSessionsClient } from '../../src/client/index.js';
import { useTestApp } from '../support/test-app.js';

const api = useTestApp();
let client: ChatSessionsClient;
let id: string;

beforeAll(async () => {
  client = new ChatSessionsClient({ baseUrl: await api.listen() });
});

beforeEach(async () => {
  ({
    chat_session: { id },
  } = await client.create());
});

interface Recorded {
  /** Milliseconds after the one before. */
  wait: number;
  data: string;
}

/** Replays a recorded stream, ten times as fast. */
async function* replay<T>(file: string) {
  const lines = await readFile(`test/fixtures/streams/${file}`, 'utf8');
  for (const line of lines.trim().split('\n')) {
    const { wait, data } = JSON.parse(line) as Recorded;
    await sleep(wait / 10);
    if (data !== '[DONE]') yield JSON.parse(data) as T;
  }
}

interface ToolCall {
  index: number;
  id?: string;
  function: { name?: string; arguments: string };
}

interface Completion {
  choices: {
    delta: { content?: string; tool_calls?: ToolCall[] };
    finish_reason: string | null;
  }[];
  usage?: { prompt_tokens: number; completion_tokens: number };
}

/** Puts the pieces of tool calls together. */
function collect(calls: ToolCall[], pieces: ToolCall[] = []): void {
  for (const piece of pieces) {
    const call = calls[piece.index];
    if (call) call.function.arguments += piece.function.arguments;
    else calls[piece.index] = piece;
  }
}

describe('the stream of a model', () => {
  it('in the format of chat completions becomes an answer', async () => {
    const usage = { model: 'large', input_tokens: 0, output_tokens: 0 };
    async function* pieces() {
      const calls: ToolCall[] = [];
      const events = replay<Completion>('chat-completions.jsonl');
      for await (const { choices, usage: reported } of events) {
        usage.input_tokens += reported?.prompt_tokens ?? 0;
        usage.output_tokens += reported?.completion_tokens ?? 0;
        const [choice] = choices;
        if (choice?.delta.content) yield choice.delta.content;
        collect(calls, choice?.delta.tool_calls);
        if (choice?.finish_reason !== 'tool_calls') continue;
        for (const call of calls) yield { ...call, type: 'tool_call' };
      }
    }
    const finish = () => ({ usage });
    const { run, message } = await client.run(id).write(pieces(), { finish });
    expect(message.content).toBe(
      'Let me look at the menu ☕\nWe have no mochas, only macchiatos.',
    );
    const called = { name: 'get_menu_items', arguments: '{"query":"mocha"}' };
    expect(message.parts).toEqual([
      { type: 'text', text: 'Let me look at the menu ☕' },
      { type: 'tool_call', index: 0, id: 'call_0', function: called },
      { type: 'text', text: 'We have no mochas, only macchiatos.' },
    ]);
    expect(run.usage).toMatchObject({ input_tokens: 98, output_tokens: 44 });
  });

  it('in the format of UI messages becomes an answer', async () => {
    type UiEvent = AnswerPart & { delta?: string };
    const stored = ['tool-input-available', 'tool-output-available'];
    async function* pieces() {
      for await (const event of replay<UiEvent>('ui-messages.jsonl')) {
        if (event.type === 'text-delta') yield event.delta!;
        else if (stored.includes(event.type)) yield event;
      }
    }
    const { message } = await client.run(id).write(pieces());
    const input = { item: 'macchiato', size: 'large' };
    const toolCallId = 'call_0';
    expect(message.parts).toEqual([
      { type: 'text', text: 'One moment … 👩‍🍳' },
      { type: 'tool-input-available', toolCallId, toolName: 'order', input },
      {
        type: 'tool-output-available',
        toolCallId,
        output: { status: 'ordered' },
      },
      { type: 'text', text: 'Your large macchiato is on its way.' },
    ]);
    expect(message.content).toBe(
      'One moment … 👩‍🍳\nYour large macchiato is on its way.',
    );
  });
});
