import { connect, type Socket } from 'node:net';

export interface Host {
  host: string;
  port: number;
}

/** While an earlier server is missed, it is looked for so often. */
const LOOK_MS = 2_000;

/**
 * The servers of a cluster, in the order of DATABASE_URL. All connections go to
 * one of them, since writes to several meet each other at COMMIT: the first
 * that serves. The next takes its place when it cannot be reached or does not
 * answer, until it does again; so several instances come to agree.
 */
export class MysqlHosts {
  private index = 0;
  private readonly indexOf = new WeakMap<object, number>();
  private readonly ready = new WeakSet();

  private isProbing = false;
  private looking: NodeJS.Timeout | undefined;

  /** @param probe rejects, in time, where a server does not serve */
  constructor(
    private readonly hosts: Host[],
    private readonly probe: (host: Host) => Promise<void>,
  ) {}

  /** Opens a socket to the server in force. */
  readonly open = (): Socket => {
    const socket = connect({
      ...this.hosts[this.index]!,
      keepAlive: true,
      noDelay: true,
    });
    this.indexOf.set(socket, this.index);
    socket.once('close', () => {
      if (!this.ready.has(socket)) this.suspect(socket);
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

  /**
   * Something went wrong on the socket. Where it leads to the server in force,
   * and that does not serve, the next takes its place: a request may be late
   * because of a locked row, or because this process has too much to do.
   */
  suspect(socket: object): void {
    const suspected = this.index;
    if (this.hosts.length === 1 || this.isProbing) return;
    if (!this.isInForce(socket)) return;
    this.isProbing = true;
    void this.serves(suspected).then((serves) => {
      this.isProbing = false;
      if (serves || this.index !== suspected) return;
      this.index = (suspected + 1) % this.hosts.length;
      this.looking ??= setTimeout(() => void this.look(), LOOK_MS).unref();
    });
  }

  /** Puts the first that serves in force again. */
  private async look(): Promise<void> {
    for (let earlier = 0; earlier < this.index; earlier++) {
      if (await this.serves(earlier))
        this.index = Math.min(earlier, this.index);
    }
    this.looking =
      this.index === 0
        ? undefined
        : setTimeout(() => void this.look(), LOOK_MS).unref();
  }

  private serves(index: number): Promise<boolean> {
    return this.probe(this.hosts[index]!).then(
      () => true,
      () => false,
    );
  }
}
