import { STATUS_CODES } from 'node:http';

/** What a client sees of an error code. */
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
  ) {
    super(info.text, options);
    this.name = new.target.name;
  }
}

/** The code of an error that has none of its own: its status in words, such as `payload_too_large`. */
export function codeOfStatus(status: number): string {
  const phrase = STATUS_CODES[status] ?? `Status ${status}`;
  return phrase.toLowerCase().replaceAll(/\W+/g, '_');
}
