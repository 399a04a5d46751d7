import { chown, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  findGalera,
  findMysqlServer,
  mysqlCommands,
} from '../mysql-command.js';
import { connectMysql } from '../mysql-connection.js';
import { freePort, PrivateServer, serverDirectory } from '../mysql-server.js';

/** A node that rejoins must catch up with the writes of the others. */
const SYNC_LIMIT_MS = 60_000;
const REJOIN_ATTEMPTS = 3;

/** The cluster suspects a silent node after 2 s and excludes it after 4 s. Writes stall until then. */
const PROVIDER_OPTIONS = [
  'gcache.size=64M',
  'gcache.recover=yes',
  'evs.keepalive_period=PT0.5S',
  'evs.inactive_check_period=PT0.25S',
  'evs.suspect_timeout=PT2S',
  'evs.inactive_timeout=PT4S',
  'evs.install_timeout=PT4S',
  'pc.recovery=true',
];

interface Ports {
  mysql: number;
  group: number;
  /** For the transfer of the missed writes to a node that rejoins. */
  incremental: number;
  /** For the transfer of all data to a node that rejoins. */
  full: number;
}

/** Three nodes of MariaDB with Galera on the loopback. Each node syncs its commits to disk. */
export class GaleraCluster {
  private constructor(private readonly nodes: PrivateServer[]) {}

  static async start(): Promise<GaleraCluster> {
    const ports: Ports[] = [];
    for (let i = 0; i < 3; i++) {
      ports.push({
        mysql: await freePort(),
        group: await freePort(),
        incremental: await freePort(),
        full: await freePort(),
      });
    }
    const cluster = new GaleraCluster([]);
    try {
      for (const [index, own] of ports.entries()) {
        const isFirst = index === 0;
        const node = await createNode(own, ports, isFirst);
        cluster.nodes.push(node);
        await node.start(...(isFirst ? ['--wsrep-new-cluster'] : []));
        await cluster.synced(index);
      }
    } catch (error) {
      await cluster.stop();
      throw error;
    }
    return cluster;
  }

  /** A DATABASE_URL with all hosts; the first is preferred. */
  url(database: string): string {
    const hosts = this.nodes.map(({ port }) => `127.0.0.1:${port}`);
    return `mysql://root@${hosts.join(',')}/${database}`;
  }

  /** Sends SIGKILL: the node ends at once. */
  async kill(index: number): Promise<void> {
    await this.node(index).kill();
  }

  /** Sends SIGTERM: the node leaves the cluster in order. */
  async leave(index: number): Promise<void> {
    await this.node(index).kill('SIGTERM');
  }

  /** Waits until all nodes are synced. */
  async heal(): Promise<void> {
    for (const index of this.nodes.keys()) await this.syncOrRestart(index);
  }

  /** Starts a node that is down, at most three times if it does not sync. */
  async rejoin(index: number): Promise<void> {
    const node = this.node(index);
    for (let attempt = 1; ; attempt++) {
      try {
        await node.start();
        return await this.synced(index);
      } catch (error) {
        if (attempt === REJOIN_ATTEMPTS) throw error;
        await this.killUnsynced(index, error);
      }
    }
  }

  private async killUnsynced(index: number, error: unknown): Promise<void> {
    console.warn(`Restarting node ${index}:`, error);
    await this.node(index).kill();
  }

  /** Sends SIGSTOP: the node keeps its connections and is silent. */
  pause(index: number): void {
    process.kill(this.node(index).pid, 'SIGSTOP');
  }

  async resume(index: number): Promise<void> {
    process.kill(this.node(index).pid, 'SIGCONT');
    await this.syncOrRestart(index);
  }

  /**
   * Waits until a running node is synced. A node that was paused may never sync
   * again: it is then restarted, as a supervisor would do.
   */
  private async syncOrRestart(index: number): Promise<void> {
    try {
      await this.synced(index);
    } catch (error) {
      await this.killUnsynced(index, error);
      await this.rejoin(index);
    }
  }

  async query(index: number, sql: string): Promise<Record<string, unknown>[]> {
    const connection = await connectMysql(this.node(index).url);
    try {
      const [rows] = await connection.query({ sql, timeout: 2_000 });
      return rows as Record<string, unknown>[];
    } finally {
      connection.destroy();
    }
  }

  async stop(): Promise<void> {
    for (const node of this.nodes) await node.stop();
  }

  private node(index: number): PrivateServer {
    return this.nodes[index]!;
  }

  private async synced(index: number): Promise<void> {
    const deadline = Date.now() + SYNC_LIMIT_MS;
    let cause: unknown;
    for (;;) {
      try {
        const states = await this.query(
          index,
          "SHOW STATUS WHERE Variable_name IN ('wsrep_local_state_comment', 'wsrep_ready')",
        );
        // Sorted by name.
        const values = states.map(({ Value }) => Value as string).join();
        if (values === 'Synced,ON') return;
        cause = values;
      } catch (error) {
        cause = error; // not reachable yet
      }
      if (Date.now() > deadline) {
        throw this.node(index).failure('not synced', cause);
      }
      await sleep(100);
    }
  }
}

async function createNode(
  own: Ports,
  all: Ports[],
  isFirst: boolean,
): Promise<PrivateServer> {
  const { directory, account } = await serverDirectory();
  const { initialize, serve } = mysqlCommands(findMysqlServer()!, {
    directory,
    port: own.mysql,
    account,
    durable: true,
  });
  const members = all.map(({ group }) => `127.0.0.1:${group}`).join(',');
  const options = [
    ...PROVIDER_OPTIONS,
    `gmcast.listen_addr=tcp://127.0.0.1:${own.group}`,
    `ist.recv_addr=127.0.0.1:${own.incremental}`,
  ];
  const node = new PrivateServer(directory, own.mysql, {
    file: serve.file,
    args: [
      ...serve.args,
      '--innodb-autoinc-lock-mode=2',
      '--wsrep-on=ON',
      `--wsrep-provider=${findGalera()}`,
      '--wsrep-cluster-name=test',
      `--wsrep-cluster-address=gcomm://${members}?pc.wait_prim=no`,
      `--wsrep-node-address=127.0.0.1:${own.group}`,
      `--wsrep-node-incoming-address=127.0.0.1:${own.mysql}`,
      '--wsrep-sst-method=rsync',
      `--wsrep-sst-receive-address=127.0.0.1:${own.full}`,
      '--wsrep-slave-threads=2',
      '--wsrep-retry-autocommit=0',
      `--wsrep-provider-options=${options.join(';')}`,
    ],
  });
  if (isFirst) {
    await node.run(initialize);
  } else {
    // The node receives its data from another one.
    const data = join(directory, 'data');
    await mkdir(data);
    if (account) await chown(data, account.uid, account.gid);
  }
  return node;
}
