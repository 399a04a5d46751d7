import { once } from 'node:events';
import {
  Agent,
  type ClientRequest,
  type IncomingMessage,
  request,
} from 'node:http';
import { text } from 'node:stream/consumers';

const ANSWER_LIMIT_MS = 30_000;

/** The error of an exchange that took too long. */
export const NO_ANSWER = 'NO_ANSWER';

/** A request, and what became of it. */
export interface Exchange {
  method: string;
  path: string;
  /** Of the message that it appends. */
  messageId?: string;
  /** By performance.now(), as `endedAt`. */
  sentAt: number;
  endedAt: number;
  /** Whether the connection had brought an answer before. */
  reused: boolean;
  /** Not where it failed. */
  status?: number;
  connection?: string;
  body?: string;
  /** The code of its failure. */
  error?: string;
}

/** One connection at a time, kept and used again unless the server closes it. */
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

  /** A body that ends when it is told to. */
  async postSlowly(path: string, body: object, end: Promise<unknown>) {
    const json = JSON.stringify(body);
    return this.exchange('POST', path, (sent) => {
      sent.write(json.slice(0, -1));
      void end.then(() => sent.end(json.slice(-1)));
    });
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
      timeout: ANSWER_LIMIT_MS,
      headers: method === 'POST' ? { 'content-type': 'application/json' } : {},
    });
    sent.on('timeout', () => {
      sent.destroy(Object.assign(new Error(), { code: NO_ANSWER }));
    });
    const sentAt = performance.now();
    const about = () => ({
      method,
      path,
      messageId,
      sentAt,
      endedAt: performance.now(),
      reused: sent.reusedSocket,
    });
    try {
      const answered = once(sent, 'response');
      send(sent);
      const [answer] = (await answered) as [IncomingMessage];
      const body = await text(answer);
      const { statusCode: status, headers } = answer;
      return { ...about(), status, connection: headers.connection, body };
    } catch (error) {
      return { ...about(), error: (error as NodeJS.ErrnoException).code };
    }
  }
}
