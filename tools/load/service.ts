import {
  ChatSessionsApiError,
  ChatSessionsClient,
} from '../../src/client/index.js';

/** Longer than the window of the service's rate limits. */
const TOTAL_TIMEOUT_MS = 10 * 60_000;
const NO_CONNECTION =
  /^(ECONNREFUSED|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH|UND_ERR_CONNECT_TIMEOUT)$/;

/** A client that knows whether the service can be reached. */
export class Service {
  readonly client: ChatSessionsClient;
  /** Responses so far. */
  responses = 0;

  constructor(url: string, token?: string) {
    this.client = new ChatSessionsClient({
      baseUrl: url,
      token,
      totalTimeoutMs: TOTAL_TIMEOUT_MS,
      fetch: async (...request) => {
        const response = await fetch(...request);
        this.responses++;
        return response;
      },
    });
  }

  /**
   * Whether the error tells that other requests would fail too. If the server closed a
   * connection, others may still succeed.
   */
  isUnreachable(
    error: unknown,
    responsesBefore: number,
  ): error is ChatSessionsApiError {
    return (
      error instanceof ChatSessionsApiError &&
      error.status === undefined &&
      (this.responses === 0 ||
        (this.responses === responsesBefore && NO_CONNECTION.test(error.text)))
    );
  }
}
