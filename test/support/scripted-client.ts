import {
  ChatSessionsApiError,
  ChatSessionsClient,
  type ClientOptions,
} from '../../src/client/index.js';

export const ID = '019ae1c4-7d5e-7c3a-9f10-3b1f6f0c2a55';
export const ETAG = '"1795392123456-2-3b1f6f0c2a55"';
const DONE = { chat_session: { id: ID }, message: {}, messages: [] };

/** A response, or the code of a network error. */
export type Step =
  | [status: number, headers?: Record<string, string>, body?: object | string]
  | string;

export interface Sent {
  method: string;
  url: string;
  headers: Headers;
  body: string | undefined;
  at: number;
}

/** A client whose service sends the given responses, and then 200. */
export function scripted(steps: Step[], options: Partial<ClientOptions> = {}) {
  const sent: Sent[] = [];
  const client = new ChatSessionsClient({
    baseUrl: 'http://service',
    fetch: async (input, init = {}) => {
      const { method = 'GET', body } = init;
      sent.push({
        method,
        url: input as string,
        headers: new Headers(init.headers),
        body: body as string | undefined,
        at: performance.now(),
      });
      const step = steps[sent.length - 1] ?? [200];
      if (typeof step === 'string') {
        const cause = Object.assign(new Error('of the system'), { code: step });
        throw new TypeError('fetch failed', { cause });
      }
      const [
        status,
        headers,
        response = status < 300 ? DONE : { error: 'No' },
      ] = step;
      const text =
        typeof response === 'string' ? response : JSON.stringify(response);
      return new Response([204, 304].includes(status) ? null : text, {
        status,
        headers,
      });
    },
    ...options,
  });
  return { client, sent };
}

/** The error of a call that fails. */
export async function errorOf(
  call: Promise<unknown>,
): Promise<ChatSessionsApiError> {
  const error: unknown = await call.catch((reason: unknown) => reason);
  if (!(error instanceof ChatSessionsApiError)) throw error;
  return error;
}
