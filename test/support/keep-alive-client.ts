import { once } from 'node:events';
import {
  Agent,
  type ClientRequest,
  type IncomingMessage,
  request,
} from 'node:http';
import { text } from 'node:stream/consumers';

const RESPONSE_LIMIT_MS = 60_000;

/** The error of a request that got no response within 60 s. */
export const NO_ANSWER = 'NO_ANSWER';

/** A request, and its response or error. */
export interface Exchange {
  method: string;
  path: string;
  /** The id of the message that it appends. */
  messageId?: string;
  /** Milliseconds by performance.now(), as `endedAt`. */
  sentAt: number;
  endedAt: number;
  /** Whether the connection had been used before. */
  reused: boolean;
  /** Undefined if the request failed. */
  status?: number;
  connection?: string;
  body?: string;
  /** The code of the error. */
  error?: string;
}

/** Sends all requests over one connection, until the server closes it. */
export class KeepAliveClient {
  private readonly agent = new Agent({ keepAlive: true, maxSockets: 1 });

  constructor(private readonly url: string) {}

  get(path: string): Promise<Exchange> {
    return this.exchange('GET', path, (sent) => sent.end());
  }

  post(
    path: string,
    body: { id?: string; [field: string]: unknown },
  ): Promise<Exchange> {
    const send = (sent: ClientRequest) => sent.end(JSON.stringify(body));
    return this.exchange('POST', path, send, body.id);
  }

  close(): void {
    this.agent.destroy();
  }

  private async exchange(
    method: string,
    path: string,
    send: (sent: ClientRequest) => void,
    messageId?: string,
  ): Promise<Exchange> {
    const sent = request(new URL(path, this.url), {
      method,
      agent: this.agent,
      timeout: RESPONSE_LIMIT_MS,
      headers: method === 'POST' ? { 'content-type': 'application/json' } : {},
    });
    sent.on('timeout', () => {
      sent.destroy(Object.assign(new Error(), { code: NO_ANSWER }));
    });
    const sentAt = performance.now();
    const common = () => ({
      method,
      path,
      messageId,
      sentAt,
      endedAt: performance.now(),
      reused: sent.reusedSocket,
    });
    try {
      const responded = once(sent, 'response');
      send(sent);
      const [response] = (await responded) as [IncomingMessage];
      const body = await text(response);
      const { statusCode: status, headers } = response;
      return { ...common(), status, connection: headers.connection, body };
    } catch (error) {
      return { ...common(), error: (error as NodeJS.ErrnoException).code };
    }
  }
}
