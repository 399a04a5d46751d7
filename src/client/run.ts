import { ChatSessionsApiError } from './error.js';
import type * as api from './openapi/types.gen.js';
import type { CallOptions, Tagged } from './options.js';
import { sleep, unlessAborted } from './pause.js';
import type { RunsClient } from './runs-client.js';

/** A typed part of an answer, such as a tool call. */
export type AnswerPart = { type: string; [key: string]: unknown };

/** What a run ends with, beside its answer; `content` or `parts` replace what was written. */
export type RunResult = Omit<api.ChatRunFinish, 'fence' | 'status' | 'error'>;

export interface WriteRunOptions {
  /** Called when the source has ended, for instance for the `usage` that the model has reported. */
  finish?: () => RunResult | Promise<RunResult>;
}

/** The run was stopped, or its lease has run out: nothing more can be written. */
export class RunEnded extends Error {
  constructor(
    /** The run as it is; its `status` says how it has ended. */
    readonly run: api.ChatRun,
    cause: ChatSessionsApiError,
  ) {
    super(`the run was ended: ${run.status}`, { cause });
    this.name = 'RunEnded';
  }
}

/** Text that is collected before it is sent: up to this many UTF-16 units, and for so long. */
const MAX_LENGTH = 2_048;
const MAX_WAIT_MS = 250;

/** An answer that this client writes. */
export class Run {
  /** The id of the run. */
  readonly id: string;
  /** A try that hangs must leave time for another one within the lease. */
  private timeoutMs?: number;

  constructor(
    private readonly client: RunsClient,
    private readonly sessionId: string,
    private readonly start: api.NewChatRun,
    private readonly options: CallOptions = {},
  ) {
    this.id = start.id ?? crypto.randomUUID();
  }

  /**
   * Starts the run, writes what the source yields, texts or parts, and finishes the run. If the
   * source throws, the run has failed, and the call rejects with the same error. Aborting the
   * `signal` stops the run. Rejects with `RunEnded` if somebody else has ended the run; the source
   * is closed then. Rejects with an Error if a run with this id was written before.
   */
  async write(
    source: AsyncIterable<string | AnswerPart>,
    { finish }: WriteRunOptions = {},
  ): Promise<Tagged<api.ChatRunEnded>> {
    const { run } = await this.begin();
    this.timeoutMs = (run.lease_seconds * 1000) / 3;
    const outputs = new Outputs(this, run);
    let iterator: AsyncIterator<string | AnswerPart> | undefined;
    try {
      // Throws if somebody else reads the source, for instance a ReadableStream.
      iterator = source[Symbol.asyncIterator]();
      await this.copy(iterator, outputs);
      const result = await this.keepWriting(outputs, async () => finish?.());
      return await this.finish(run, { ...result, status: 'completed' });
    } catch (error) {
      void close(iterator);
      // What it has yielded is kept.
      if (error instanceof SourceError) await outputs.end().catch(() => {});
      await this.giveUp(run, error);
      throw error instanceof SourceError ? error.cause : error;
    }
  }

  /** Stops the run. What is written stays. */
  cancel(options?: CallOptions): Promise<Tagged<api.ChatRunEnded>> {
    return this.client.cancelRun(this.sessionId, this.id, options);
  }

  /** Sends an output. Throws `RunEnded`. */
  async output(output: api.ChatRunOutput): Promise<number> {
    const { sessionId, id, client, timeoutMs } = this;
    const options = { ...this.options, timeoutMs };
    const { offset } = await unlessEnded(
      client.writeOutput(sessionId, id, output, options),
    );
    return offset;
  }

  /** Starts the run. If the signal is aborted meanwhile, stops what may have started. */
  private async begin(): Promise<api.ChatRunStarted> {
    const start = { ...this.start, id: this.id };
    const { sessionId, client, options } = this;
    let started: api.ChatRunStarted;
    try {
      started = await client.startRun(sessionId, start, options);
    } catch (error) {
      if (options.signal?.aborted) await this.cancel().catch(() => undefined);
      throw error;
    }
    const { status, offset } = started.run;
    // Its text would follow what is there, or be refused.
    if (status !== 'active' || offset > 0) {
      throw new Error(`the run ${this.id} was written before: ${status}`);
    }
    return started;
  }

  private async copy(
    iterator: AsyncIterator<string | AnswerPart>,
    outputs: Outputs,
  ): Promise<void> {
    const next = async () => {
      try {
        return await iterator.next();
      } catch (cause) {
        throw new SourceError(cause);
      }
    };
    for (;;) {
      const item = await this.keepWriting(outputs, next);
      if (item.done) return outputs.end();
      await outputs.add(item.value);
    }
  }

  /** Waits for the call, and meanwhile sends the outputs that are due. */
  private async keepWriting<T>(
    outputs: Outputs,
    call: () => Promise<T>,
  ): Promise<T> {
    const { signal } = this.options;
    const called = call().then((value) => ({ value }));
    for (;;) {
      const stop = new AbortController();
      const due = sleep(outputs.waitMs(), stop.signal).then(
        () => undefined,
        () => undefined,
      );
      const result = await unlessAborted(
        Promise.race([called, due]),
        signal,
      ).finally(() => stop.abort());
      if (result) return result.value;
      await outputs.flush();
    }
  }

  private finish(
    { fence }: api.ChatRun,
    end: Omit<api.ChatRunFinish, 'fence'>,
    callOptions = this.options,
  ): Promise<Tagged<api.ChatRunEnded>> {
    const { sessionId, id, client, timeoutMs } = this;
    const options = { ...callOptions, timeoutMs };
    return unlessEnded(
      client.finishRun(sessionId, id, { ...end, fence }, options),
    );
  }

  /** Ends the run after an error, if that is possible: otherwise its lease will. */
  private async giveUp(run: api.ChatRun, error: unknown): Promise<void> {
    if (error instanceof RunEnded) return;
    const isStopped = this.options.signal?.aborted;
    const message = String(error instanceof SourceError ? error.cause : error);
    const ending = isStopped
      ? this.cancel()
      : this.finish(run, { status: 'failed', error: { message } }, {});
    await ending.catch(() => undefined);
  }
}

/** Collects what is written to a run into outputs. */
class Outputs {
  private offset: number;
  private text = '';
  private parts: AnswerPart[] = [];
  private sentAt = performance.now();
  private textSince = 0;

  constructor(
    private readonly run: Run,
    private readonly state: api.ChatRun,
  ) {
    this.offset = state.offset;
  }

  /** Milliseconds until `flush` is due: soon for text that waits, otherwise in time for the lease. */
  waitMs(): number {
    const renewAt = this.sentAt + (this.state.lease_seconds * 1000) / 3;
    const dueAt = this.text === '' ? renewAt : this.textSince + MAX_WAIT_MS;
    return Math.max(dueAt - performance.now(), 0);
  }

  async add(item: string | AnswerPart): Promise<void> {
    if (typeof item !== 'string') {
      if (this.text !== '') await this.flush();
      this.parts = [item];
      return this.flush();
    }
    if (item === '') return;
    if (this.text === '') this.textSince = performance.now();
    this.text += item;
    if (this.text.length >= MAX_LENGTH || this.waitMs() === 0) {
      await this.flush();
    }
  }

  /** Sends what was collected; with nothing to send, renews the lease. */
  async flush(): Promise<void> {
    const { text, parts, offset } = this;
    this.text = '';
    this.parts = [];
    const { fence } = this.state;
    const content = parts.length > 0 ? { parts } : { text };
    this.sentAt = performance.now();
    this.offset = await this.run.output({ fence, offset, ...content });
  }

  async end(): Promise<void> {
    if (this.text !== '') await this.flush();
  }
}

/** A generator that waits for its model closes when the model goes on. */
async function close(
  iterator: AsyncIterator<unknown> | undefined,
): Promise<void> {
  try {
    await iterator?.return?.();
  } catch {
    // The error that ended the run matters more.
  }
}

/** The source has thrown. */
class SourceError extends Error {
  constructor(override readonly cause: unknown) {
    super();
  }
}

const ENDED = new Set<string | undefined>(['run_ended', 'fence_stale']);

/** Turns an error that says that the run has ended into `RunEnded`. */
async function unlessEnded<T>(call: Promise<T>): Promise<T> {
  try {
    return await call;
  } catch (error) {
    if (error instanceof ChatSessionsApiError && ENDED.has(error.code)) {
      const { run } = error.body as { run: api.ChatRun };
      throw new RunEnded(run, error);
    }
    throw error;
  }
}
