import type { ChatRunDto } from '../../src/chat-sessions/messages/dto/chat-run.dto.js';
import type { Message } from './api.js';
import type { TestApp, TestResponse } from './test-app.js';

export type Run = Pick<ChatRunDto, keyof ChatRunDto>;

export interface RunResponse {
  run: Run;
  messages: Message[];
  message: Message;
  /** Of an output. */
  offset: number;
  lease_until: string;
  /** Of an error. */
  error: string;
  code: string;
  interrupt: object;
}

/** Requests to the runs of one session, whose statuses are left to the test. */
export class Runs {
  constructor(
    private readonly api: TestApp,
    readonly sessionId: string,
  ) {}

  start(
    body: object = {},
    headers?: Record<string, string>,
  ): Promise<TestResponse<RunResponse>> {
    return this.api.send('POST', this.path(), body, headers);
  }

  /** Starts a run whose status must be 201. */
  async started(body: object = {}): Promise<RunResponse> {
    const { status, body: started, text } = await this.start(body);
    if (status !== 201) throw new Error(text);
    return started;
  }

  get(runId: string): Promise<TestResponse<RunResponse>> {
    return this.api.send('GET', `${this.path()}/${runId}`);
  }

  post(
    runId: string,
    action: string,
    body: object = {},
    headers?: Record<string, string>,
  ): Promise<TestResponse<RunResponse>> {
    const path = `${this.path()}/${runId}/${action}`;
    return this.api.send('POST', path, body, headers);
  }

  output(
    runId: string,
    offset: number,
    content: string | object[],
    fence = 1,
  ): Promise<TestResponse<RunResponse>> {
    const field = typeof content === 'string' ? 'text' : 'parts';
    return this.post(runId, 'output', { fence, offset, [field]: content });
  }

  finish(runId: string, body: object = {}): Promise<TestResponse<RunResponse>> {
    const finish = { fence: 1, status: 'completed', ...body };
    return this.post(runId, 'finish', finish);
  }

  private path(): string {
    return `/api/chat-sessions/${this.sessionId}/runs`;
  }
}
