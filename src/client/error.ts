interface Facts {
  status: number | undefined;
  text: string;
  details: string[];
  retryAfter: number | undefined;
  requestId: string;
  attempts: number;
  mayBeDone: boolean;
  cause: unknown;
}

/** The service refused or failed, or gave no answer. */
export class ChatSessionsApiError extends Error {
  /** Of the answer; undefined where none came. */
  readonly status: number | undefined;
  /** The service's words, such as `Chat session not found`; of no answer, the reason. */
  readonly text: string;
  /** Of a 400: one line for each field that is wrong. */
  readonly details: string[];
  /** Seconds to wait before another try, where the service says so. */
  readonly retryAfter: number | undefined;
  /** Names the request, all its tries, in the service's log. */
  readonly requestId: string;
  /** How often the request was sent. */
  readonly attempts: number;
  /**
   * Whether this write may have happened all the same: a try of it got no
   * answer, or one that does not tell. A 412, or the 404 of a delete, may then
   * come from the request's own first try: get the session to know.
   */
  readonly mayBeDone: boolean;

  constructor(facts: Facts) {
    const { status, text, details, cause } = facts;
    const words = [text, ...details].join('; ');
    super(
      status === undefined ? `no answer: ${words}` : `${status} ${words}`,
      cause === undefined ? undefined : { cause },
    );
    this.name = 'ChatSessionsApiError';
    this.status = status;
    this.text = text;
    this.details = details;
    this.retryAfter = facts.retryAfter;
    this.requestId = facts.requestId;
    this.attempts = facts.attempts;
    this.mayBeDone = facts.mayBeDone;
  }
}
