import { once } from 'node:events';
import {
  type AddressInfo,
  connect,
  createServer,
  type Server,
  type Socket,
} from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

type CommitFault = 'cut before COMMIT' | 'cut reply' | 'swallow reply';

export type Fault =
  | { kind: 'none' }
  /** Each way. TCP's own handshake takes as long: a connection that opens gets its first data later. */
  | { kind: 'latency'; milliseconds: number }
  | { kind: 'throttle'; bytesPerSecond: number }
  /** Connections stay open and new ones are accepted, but no data passes. */
  | { kind: 'blackhole' }
  /** Open connections stay open, but no data passes on them; new ones work. So does a gateway that has forgotten them. */
  | { kind: 'forget' }
  /** Open connections are reset, and new ones as soon as they are open. */
  | { kind: 'reset' }
  | { kind: 'refuse' }
  /** Every n-th COMMIT is not forwarded, or its reply is cut off or swallowed. */
  | { kind: CommitFault; every: number };

interface Link {
  client: Socket;
  server: Socket;
  isForgotten?: boolean;
  /** The fault for the next data of the server, which is the reply to statements that end with COMMIT. */
  replyFault?: CommitFault;
}

/** A packet ends with the text of its statements, of which COMMIT is the last. */
function isCommitOfMysql(packet: Buffer): boolean {
  return packet.toString().endsWith('COMMIT');
}

const SERVER_MORE_RESULTS_EXIST = 8;

/** Whether data of the server ends with the result of the last statement: an error, or an OK with no more results. */
function endsReplyOfMysql(data: Buffer): boolean {
  let packet = data;
  for (let rest = data; rest.length >= 4;) {
    const end = 4 + rest.readUIntLE(0, 3);
    packet = rest.subarray(4, end);
    rest = rest.subarray(end);
  }
  // An OK is 0, the counts of rows and ids (1 byte each here), and the status.
  return packet[0] !== 0 || !(packet[3]! & SERVER_MORE_RESULTS_EXIST);
}

/**
 * A TCP proxy before a MySQL server, with network faults and faults around
 * COMMIT. A MySQL client sends one packet and waits for its reply, so no
 * statement follows a COMMIT. For other servers `isCommit` tells which
 * packets the faults around COMMIT apply to.
 */
export class TcpProxy {
  /** The number of connections and COMMITs hit so far. */
  faults = 0;
  port = 0;
  private fault: Fault = { kind: 'none' };
  private commits = 0;
  private listener: Server | undefined;
  private readonly links = new Set<Link>();

  private constructor(
    private serverPort: number,
    private readonly isCommit: (packet: Buffer) => boolean,
  ) {}

  static async before(
    serverPort: number,
    isCommit = isCommitOfMysql,
  ): Promise<TcpProxy> {
    const proxy = new TcpProxy(serverPort, isCommit);
    await proxy.listen();
    return proxy;
  }

  inject(fault: Fault): void {
    this.fault = fault;
    if (fault.kind === 'refuse') this.listener?.close();
    if (fault.kind === 'refuse' || fault.kind === 'reset') this.cutAll();
    if (fault.kind === 'blackhole') this.faults += this.links.size;
    if (fault.kind === 'forget') {
      this.faults += this.links.size;
      for (const link of this.links) link.isForgotten = true;
    }
  }

  /** New connections go to another server, and open ones stay: so does a name in DNS that changes. */
  leadTo(serverPort: number): void {
    this.serverPort = serverPort;
  }

  /** Ends the fault. Connections of a blackhole are reset, since they have lost data. */
  async heal(): Promise<void> {
    const { kind } = this.fault;
    this.fault = { kind: 'none' };
    if (kind === 'blackhole') this.cutAll();
    if (kind === 'refuse') await this.listen();
  }

  async stop(): Promise<void> {
    this.cutAll();
    const { listener } = this;
    if (!listener?.listening) return;
    listener.close();
    await once(listener, 'close');
  }

  private async listen(): Promise<void> {
    this.listener = createServer({ noDelay: true }, (client) => {
      this.accept(client);
    }).listen(this.port, '127.0.0.1');
    await once(this.listener, 'listening');
    this.port = (this.listener.address() as AddressInfo).port;
  }

  private accept(client: Socket): void {
    const server = connect({ port: this.serverPort, host: '127.0.0.1' });
    const link: Link = { client, server };
    this.links.add(link);
    this.pass(client, (chunk) => this.toServer(link, chunk));
    this.pass(server, (chunk) => this.toClient(link, chunk), this.handshake());
    for (const socket of [client, server]) {
      socket.on('error', () => undefined);
      socket.on('close', () => {
        // A blackhole hides the end of a connection from the other side.
        if (this.fault.kind !== 'blackhole') this.cut(link);
      });
    }
    if (this.fault.kind === 'reset') {
      this.faults++;
      this.cut(link);
    }
  }

  /** Forwards the chunks of a socket one after the other. */
  private pass(
    from: Socket,
    forward: (chunk: Buffer) => Promise<void>,
    start = Promise.resolve(),
  ): void {
    let last = start;
    from.on('data', (chunk) => {
      last = last.then(() => forward(chunk));
    });
  }

  private async toServer(link: Link, chunk: Buffer): Promise<void> {
    await this.delay(chunk);
    if (link.isForgotten) return;
    const fault = this.commitFaultOf(chunk);
    if (fault === 'cut before COMMIT') return this.cut(link);
    link.replyFault = fault;
    if (this.fault.kind !== 'blackhole') link.server.write(chunk);
  }

  private async toClient(link: Link, chunk: Buffer): Promise<void> {
    await this.delay(chunk);
    if (link.replyFault === 'cut reply' && this.endsReply(chunk)) {
      this.cut(link);
    }
    if (link.isForgotten || link.replyFault) return;
    if (this.fault.kind === 'blackhole') return;
    link.client.write(chunk);
  }

  private async handshake(): Promise<void> {
    if (this.fault.kind === 'latency') await sleep(2 * this.fault.milliseconds);
  }

  private endsReply(chunk: Buffer): boolean {
    return this.isCommit !== isCommitOfMysql || endsReplyOfMysql(chunk);
  }

  private async delay(chunk: Buffer): Promise<void> {
    if (this.fault.kind === 'latency') await sleep(this.fault.milliseconds);
    if (this.fault.kind === 'throttle') {
      await sleep((chunk.length / this.fault.bytesPerSecond) * 1000);
    }
  }

  private commitFaultOf(packet: Buffer): CommitFault | undefined {
    if (!('every' in this.fault)) return undefined;
    if (!this.isCommit(packet)) return undefined;
    if (++this.commits % this.fault.every !== 0) return undefined;
    this.faults++;
    return this.fault.kind;
  }

  private cutAll(): void {
    this.faults += this.links.size;
    for (const link of this.links) this.cut(link);
  }

  private cut(link: Link): void {
    this.links.delete(link);
    link.client.resetAndDestroy();
    link.server.destroy();
  }
}
