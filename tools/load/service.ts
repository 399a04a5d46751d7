import {
  ChatSessionsApiError,
  ChatSessionsClient,
} from '../../src/client/index.js';

/** Longer than any window of the service's limits. */
const TOTAL_TIMEOUT_MS = 10 * 60_000;
const NO_CONNECTION =
  /^(ECONNREFUSED|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH|UND_ERR_CONNECT_TIMEOUT)$/;

/** The service, and whether it is there at all. */
export class Service {
  readonly client: ChatSessionsClient;
  answers = 0;

  constructor(url: string, token?: string) {
    this.client = new ChatSessionsClient({
      baseUrl: url,
      token,
      totalTimeoutMs: TOTAL_TIMEOUT_MS,
      fetch: async (...request) => {
        const response = await fetch(...request);
        this.answers++;
        return response;
      },
    });
  }

  /** Whether the error says that other requests would fare no better; of a server that hung up on one they may. */
  isUnreachable(
    error: unknown,
    answersBefore: number,
  ): error is ChatSessionsApiError {
    return (
      error instanceof ChatSessionsApiError &&
      error.status === undefined &&
      (this.answers === 0 ||
        (this.answers === answersBefore && NO_CONNECTION.test(error.text)))
    );
  }
}
