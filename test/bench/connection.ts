import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

export interface Reply {
  status: number;
  text: string;
}

interface Waiting {
  resolve: (reply: Reply) => void;
  reject: (error: Error) => void;
}

/**
 * A connection that sends one request after the other, where wrk cannot: what a
 * run gets next depends on what it has. It is plain, so that it leaves the
 * processor to the service.
 */
export class Connection {
  private waiting?: Waiting;
  private chunks: Buffer[] = [];
  private received = 0;
  /** The bytes of the response; 0 until its headers are there. */
  private expected = 0;

  private constructor(
    private readonly socket: Socket,
    private readonly headers: string,
  ) {
    socket.on('data', (chunk: Buffer) => this.take(chunk));
    socket.on('error', (error) => this.waiting?.reject(error));
    socket.on('close', () => this.waiting?.reject(new Error('Closed')));
  }

  /** @param token of the owner */
  static async open(url: string, token: string): Promise<Connection> {
    const { host, hostname, port } = new URL(url);
    const socket = connect({ host: hostname, port: Number(port) });
    socket.setNoDelay();
    await once(socket, 'connect');
    const headers = [
      `Host: ${host}`,
      `Authorization: Bearer ${token}`,
      'Content-Type: application/json',
    ];
    return new Connection(socket, headers.join('\r\n'));
  }

  close(): void {
    this.socket.destroy();
  }

  /** Rejects if the response has another status. */
  async post(path: string, body: object, status: number): Promise<string> {
    const reply = await this.send(path, JSON.stringify(body));
    if (reply.status === status) return reply.text;
    throw new Error(`${path}: ${reply.status} ${reply.text.slice(0, 500)}`);
  }

  private send(path: string, body: string): Promise<Reply> {
    return new Promise((resolve, reject) => {
      this.waiting = { resolve, reject };
      this.socket.write(
        `POST ${path} HTTP/1.1\r\n${this.headers}\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
      );
    });
  }

  private take(chunk: Buffer): void {
    this.chunks.push(chunk);
    this.received += chunk.length;
    if (this.expected === 0) this.expected = lengthOf(this.chunks);
    if (this.expected === 0 || this.received < this.expected) return;
    const response = Buffer.concat(this.chunks);
    const { waiting } = this;
    this.waiting = undefined;
    this.chunks = [];
    this.received = 0;
    this.expected = 0;
    const end = response.indexOf('\r\n\r\n');
    waiting?.resolve({
      // After `HTTP/1.1 `.
      status: Number(response.toString('latin1', 9, 12)),
      text: response.toString('utf8', end + 4),
    });
  }
}

/** The bytes of a response, headers included; 0 if they are not all there. */
function lengthOf(chunks: Buffer[]): number {
  const start = Buffer.concat(chunks);
  const end = start.indexOf('\r\n\r\n');
  if (end < 0) return 0;
  const head = start.toString('latin1', 0, end);
  const length = /^content-length: (\d+)$/im.exec(head)?.[1];
  if (length === undefined) throw new Error(`No Content-Length: ${head}`);
  return end + 4 + Number(length);
}
