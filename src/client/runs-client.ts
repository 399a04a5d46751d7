import { ChatSessionsApiError } from './error.js';
import { MessagesClient } from './messages-client.js';
import type * as api from './openapi/types.gen.js';
import type {
  AppendOptions,
  CallOptions,
  CreateOptions,
  Tagged,
  UsageQuery,
} from './options.js';
import { Run } from './run.js';

/** The runs of sessions: answers that are being written. */
export class RunsClient extends MessagesClient {
  /**
   * Prepares an answer to a question; `write` on it starts the run and writes the answer.
   * @param start the question in `messages`; without one, the answer follows what the session shows
   */
  run(
    session_id: string,
    start: api.NewChatRun = {},
    options?: CallOptions,
  ): Run {
    return new Run(this, session_id, start, options);
  }

  /** Starts a run. Rejects with 409 and code `run_active` while another one is active, unless `if_active` is `cancel`. */
  startRun(
    session_id: string,
    start: api.NewChatRun = {},
    options: AppendOptions = {},
  ): Promise<Tagged<api.ChatRunStarted>> {
    const { idempotencyKey } = options;
    const id = start.id ?? (idempotencyKey ? undefined : crypto.randomUUID());
    const operation: api.StartRunData = {
      url: '/api/chat-sessions/{session_id}/runs',
      path: { session_id },
      headers: {
        'Idempotency-Key': idempotencyKey,
        'If-Match': options.ifMatch,
      },
      body: { ...start, id },
    };
    return this.sendTagged<api.StartRunResponse>('POST', operation, options);
  }

  /** Gets a run as it is now. */
  getRun(
    session_id: string,
    run_id: string,
    options?: CallOptions,
  ): Promise<api.ChatRunBody> {
    const operation: api.GetRunData = {
      url: '/api/chat-sessions/{session_id}/runs/{run_id}',
      path: { session_id, run_id },
    };
    return this.send<api.GetRunResponse>('GET', operation, options);
  }

  /** Adds a text or parts to the answer, and renews the lease. The same output may be sent again. */
  writeOutput(
    session_id: string,
    run_id: string,
    output: api.ChatRunOutput,
    options?: CallOptions,
  ): Promise<api.ChatRunOutputStored> {
    const operation: api.WriteRunOutputData = {
      url: '/api/chat-sessions/{session_id}/runs/{run_id}/output',
      path: { session_id, run_id },
      body: output,
    };
    return this.send<api.WriteRunOutputResponse>('POST', operation, options);
  }

  /** Ends a run; what is given of a message replaces what was written. */
  finishRun(
    session_id: string,
    run_id: string,
    end: api.ChatRunFinish,
    options?: CallOptions,
  ): Promise<Tagged<api.ChatRunEnded>> {
    const operation: api.FinishRunData = {
      url: '/api/chat-sessions/{session_id}/runs/{run_id}/finish',
      path: { session_id, run_id },
      body: end,
    };
    return this.sendTagged<api.FinishRunResponse>('POST', operation, options);
  }

  /** Stops a run, whoever writes it. What is written stays. A run that has ended is returned as it is. */
  cancelRun(
    session_id: string,
    run_id: string,
    options?: CallOptions,
  ): Promise<Tagged<api.ChatRunEnded>> {
    const operation: api.CancelRunData = {
      url: '/api/chat-sessions/{session_id}/runs/{run_id}/cancel',
      path: { session_id, run_id },
    };
    return this.sendTagged<api.CancelRunResponse>('POST', operation, options);
  }

  /** Lets a run wait until all interrupts are answered. */
  pauseRun(
    session_id: string,
    run_id: string,
    pause: api.ChatRunPause,
    options?: CallOptions,
  ): Promise<api.ChatRunBody> {
    const operation: api.PauseRunData = {
      url: '/api/chat-sessions/{session_id}/runs/{run_id}/pause',
      path: { session_id, run_id },
      body: pause,
    };
    return this.send<api.PauseRunResponse>('POST', operation, options);
  }

  /** Answers an interrupt. Rejects with 409 and code `interrupt_answered` if somebody else was first. */
  async answerInterrupt(
    session_id: string,
    run_id: string,
    interrupt_id: string,
    answer: Record<string, unknown>,
    options?: CallOptions,
  ): Promise<api.ChatRunBody> {
    const operation: api.AnswerInterruptData = {
      url: '/api/chat-sessions/{session_id}/runs/{run_id}/interrupts/{interrupt_id}',
      path: { session_id, run_id, interrupt_id },
      body: { answer },
    };
    try {
      return await this.send<api.AnswerInterruptResponse>(
        'POST',
        operation,
        options,
      );
    } catch (error) {
      if (!isOwnAnswer(error, answer)) throw error;
      return this.getRun(session_id, run_id, options);
    }
  }

  /** Makes this client the writer of a run that is `ready`, with a new `fence`. */
  resumeRun(
    session_id: string,
    run_id: string,
    lease: api.ChatRunResume = {},
    options: CreateOptions = {},
  ): Promise<api.ChatRunBody> {
    const operation: api.ResumeRunData = {
      url: '/api/chat-sessions/{session_id}/runs/{run_id}/resume',
      path: { session_id, run_id },
      headers: {
        'Idempotency-Key': options.idempotencyKey ?? crypto.randomUUID(),
      },
      body: lease,
    };
    return this.send<api.ResumeRunResponse>('POST', operation, options);
  }

  /** Gets what the caller's runs have cost, by day, model or session. */
  usage(query?: UsageQuery, options?: CallOptions): Promise<api.ChatUsageList> {
    const operation: api.GetUsageData = { url: '/api/usage', query };
    return this.send<api.GetUsageResponse>('GET', operation, options);
  }
}

/** Whether a first try, whose response was lost, has given this answer. */
function isOwnAnswer(error: unknown, answer: object): boolean {
  if (!(error instanceof ChatSessionsApiError)) return false;
  const { interrupt } = Object(error.body) as {
    interrupt?: { answer?: unknown };
  };
  return (
    error.code === 'interrupt_answered' &&
    error.mayBeDone &&
    JSON.stringify(interrupt?.answer) === JSON.stringify(answer)
  );
}
