/** The response to an error code. */
export interface ErrorInfo {
  /** HTTP status. */
  readonly status: number;
  /** The `error` of the body: one sentence without details of the request. */
  readonly text: string;
  /** Seconds for the `Retry-After` header; no header if left out. */
  readonly retryAfter?: number;
}

/**
 * An error that a client may see. `code` is stable and meant for programs,
 * `message` for people. The exception filter answers it with `info`.
 */
export class CodedError<Code extends string = string> extends Error {
  constructor(
    readonly code: Code,
    readonly info: ErrorInfo,
    options?: ErrorOptions,
    /** What the body has beside `error` and `code`. */
    readonly details?: object,
  ) {
    super(info.text, options);
    this.name = new.target.name;
  }
}

/** The body of a request is too large, for the server's limit or for the store. */
export const PAYLOAD_TOO_LARGE = {
  status: 413,
  text: 'Request body is too large',
} as const satisfies ErrorInfo;

/** Codes are stable, so they do not follow Node.js, whose names of statuses may change. */
const CODES: Readonly<Record<number, string>> = {
  400: 'bad_request',
  401: 'unauthorized',
  403: 'forbidden',
  404: 'not_found',
  405: 'method_not_allowed',
  408: 'request_timeout',
  409: 'conflict',
  412: 'precondition_failed',
  413: 'payload_too_large',
  414: 'uri_too_long',
  415: 'unsupported_media_type',
  417: 'expectation_failed',
  422: 'unprocessable_entity',
  429: 'too_many_requests',
  431: 'request_header_fields_too_large',
  500: 'internal_server_error',
  503: 'service_unavailable',
};

/** The code of an error that has none of its own: its status in words, such as `payload_too_large`. */
export function codeOfStatus(status: number): string {
  return CODES[status] ?? (status < 500 ? CODES[400]! : CODES[500]!);
}
