import { connect, type Socket } from 'node:net';

export interface Host {
  host: string;
  port: number;
}

/** Idle time before TCP looks whether the server is still there (30 s; by default it would be hours). */
const KEEP_ALIVE_MS = 30_000;
/** How often to check whether a preferred host is back (2 s). */
const PROBE_PAUSE_MS = 2_000;

/**
 * Failover between the hosts of DATABASE_URL, which are in order of preference.
 * All connections go to one of them, the current one: writes to several nodes of
 * a cluster conflict at COMMIT. If the current host fails a probe, the next one
 * takes over until a preferred host passes a probe again, so that several
 * instances end up on the same host.
 */
export class MysqlHosts {
  /** Index of the current host. */
  private current = 0;
  private readonly indexOf = new WeakMap<object, number>();
  private readonly ready = new WeakSet();

  private isProbing = false;
  private nextProbe: NodeJS.Timeout | undefined;

  /** @param probe rejects, in time, if a host is not healthy */
  constructor(
    private readonly hosts: Host[],
    private readonly probe: (host: Host) => Promise<void>,
  ) {}

  /** Makes the first healthy host the current one. If none is, the first of all is current. */
  async choose(): Promise<void> {
    if (this.hosts.length === 1) return;
    for (let index = 0; index < this.hosts.length; index++) {
      if (!(await this.isHealthy(index))) continue;
      this.current = index;
      return;
    }
  }

  get currentHost(): Host {
    return this.hosts[this.current]!;
  }

  /** Opens a socket to the current host. */
  readonly connect = (): Socket => {
    const socket = connect({
      ...this.currentHost,
      keepAlive: true,
      keepAliveInitialDelay: KEEP_ALIVE_MS,
      noDelay: true,
    });
    this.indexOf.set(socket, this.current);
    socket.once('close', () => {
      if (!this.ready.has(socket)) this.reportFailure(socket);
    });
    return socket;
  };

  /** Call this after the handshake. A socket that closes before it counts as a failure. */
  markReady(socket: object): void {
    this.ready.add(socket);
    if (this.current > 0) this.nextProbe ??= this.scheduleProbe();
  }

  /** Whether the socket leads to the current host. */
  isCurrent(socket: object): boolean {
    return this.indexOf.get(socket) === this.current;
  }

  /**
   * Something went wrong on a socket. If it leads to the current host, the host
   * is probed, and the next one takes over if the probe fails. Without a probe, a
   * locked row or a busy process could cause a failover.
   */
  reportFailure(socket: object): void {
    const suspected = this.current;
    if (this.hosts.length === 1 || this.isProbing) return;
    if (!this.isCurrent(socket)) return;
    this.isProbing = true;
    void this.isHealthy(suspected).then((isHealthy) => {
      this.isProbing = false;
      if (isHealthy || this.current !== suspected) return;
      this.current = (suspected + 1) % this.hosts.length;
      this.nextProbe ??= this.scheduleProbe();
    });
  }

  /** Returns to the first preferred host that is healthy. */
  private async probePreferred(): Promise<void> {
    for (let preferred = 0; preferred < this.current; preferred++) {
      if (await this.isHealthy(preferred))
        this.current = Math.min(preferred, this.current);
    }
    this.nextProbe = this.current === 0 ? undefined : this.scheduleProbe();
  }

  private scheduleProbe(): NodeJS.Timeout {
    return setTimeout(() => void this.probePreferred(), PROBE_PAUSE_MS).unref();
  }

  private isHealthy(index: number): Promise<boolean> {
    return this.probe(this.hosts[index]!).then(
      () => true,
      () => false,
    );
  }
}
