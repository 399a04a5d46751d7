/** A request, and the response to it of every application that has the module. */
export interface Exchange {
  name: string;
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Without the prefix. */
  path: string;
  /** Alice by default; null sends no identity. */
  owner?: string | null;
  headers?: Record<string, string>;
  /** An object is sent as JSON, a text as it is. */
  body?: object | string;
  status: number;
  /** An expectation for `toEqual`; not checked if undefined. */
  responseBody?: unknown;
  /** Takes its place on Express 4, whose parsers read queries and missing bodies differently. */
  onExpress4?: unknown;
  /** An expectation for `toMatchObject`. */
  responseHeaders?: object;
}

/** The session of the contract. */
export const ID = '019ae1c4-7d5e-7c3a-9f10-3b1f6f0c2a55';
export const SESSION = `/chat-sessions/${ID}`;
export const MESSAGES = `${SESSION}/messages`;
