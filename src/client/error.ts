interface Facts {
  status: number | undefined;
  text: string;
  code: string | undefined;
  details: string[];
  retryAfter: number | undefined;
  requestId: string;
  attempts: number;
  mayBeDone: boolean;
  body: unknown;
  cause: unknown;
}

/** A call that failed: the service refused it or failed, or there was no response. */
export class ChatSessionsApiError extends Error {
  /** Status of the last response; undefined if there was none. */
  readonly status: number | undefined;
  /** The service's `error`, such as `Chat session not found`. If there was no response, the reason, such as `ECONNREFUSED`. */
  readonly text: string;
  /** The service's `code`, which is stable and meant for programs; undefined if the body has none. */
  readonly code: string | undefined;
  /** With status 400, one line for each field that is wrong; otherwise empty. */
  readonly details: string[];
  /** Seconds to wait before another try; undefined if the service did not say. */
  readonly retryAfter: number | undefined;
  /** Names the request, with all its tries, in the service's log. */
  readonly requestId: string;
  /** How many times the request was sent. */
  readonly attempts: number;
  /**
   * Whether a write may have happened although it failed: one of its tries had no
   * response, or one that does not tell. A 412, or the 404 of a delete, may then be
   * the result of its own first try. Get the session to find out.
   */
  readonly mayBeDone: boolean;
  /** The parsed body of the last response, which may say more: the `run` or the `offset` of a conflict. */
  readonly body: unknown;

  constructor(facts: Facts) {
    const { status, text, details, cause } = facts;
    const words = [text, ...details].join('; ');
    super(
      status === undefined ? `no response: ${words}` : `${status} ${words}`,
      cause === undefined ? undefined : { cause },
    );
    this.name = 'ChatSessionsApiError';
    this.status = status;
    this.text = text;
    this.code = facts.code;
    this.details = details;
    this.retryAfter = facts.retryAfter;
    this.requestId = facts.requestId;
    this.attempts = facts.attempts;
    this.mayBeDone = facts.mayBeDone;
    this.body = facts.body;
  }
}
