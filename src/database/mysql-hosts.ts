import { connect, type Socket } from 'node:net';

export interface Host {
  host: string;
  port: number;
}

/**
 * The servers of a cluster, in the order of DATABASE_URL. All connections go to
 * one of them, since writes to several meet each other at COMMIT; the next
 * takes its place when it cannot be reached or does not answer.
 */
export class MysqlHosts {
  private index = 0;
  private readonly indexOf = new WeakMap<object, number>();
  private readonly ready = new WeakSet();

  constructor(private readonly hosts: Host[]) {}

  /** Opens a socket to the server in force, and puts the next in force where no usable connection comes of it. */
  readonly open = (): Socket => {
    const socket = connect({
      ...this.hosts[this.index]!,
      keepAlive: true,
      noDelay: true,
    });
    this.indexOf.set(socket, this.index);
    socket.once('close', () => {
      if (!this.ready.has(socket)) this.leave(socket);
    });
    return socket;
  };

  /** The handshake over the socket is done. */
  isReady(socket: object): void {
    this.ready.add(socket);
  }

  /** Whether the socket leads to the server in force. */
  isInForce(socket: object): boolean {
    return this.indexOf.get(socket) === this.index;
  }

  /** Puts the next server in force, unless that has happened since the socket was opened. */
  leave(socket: object): void {
    if (this.isInForce(socket)) {
      this.index = (this.index + 1) % this.hosts.length;
    }
  }
}
