/** A request, and what every application answers that has the module. */
export interface Exchange {
  name: string;
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Behind the prefix. */
  path: string;
  /** Alice where it is left out; null for nobody. */
  owner?: string | null;
  headers?: Record<string, string>;
  /** JSON, or text that is sent as it is. */
  body?: object | string;
  status: number;
  /** As `toEqual` takes it. */
  answer?: unknown;
  /** As `toMatchObject` takes them. */
  answerHeaders?: object;
}

/** The session that the contract is about. */
export const ID = '019ae1c4-7d5e-7c3a-9f10-3b1f6f0c2a55';
export const SESSION = `/chat-sessions/${ID}`;
export const MESSAGES = `${SESSION}/messages`;
