import type { PoolConnection } from 'mysql2';

/** After this time without use a connection is looked at before it is used (10 s). */
const IDLE_MS = 10_000;
/** Longest wait for the reply to a ping. */
const PING_MS = 500;

/**
 * Finds idle connections that a NAT gateway or a firewall has forgotten: their
 * packets are dropped without a reset, so a request would wait for its whole
 * deadline. If one does not answer a ping, those that were idle as well are not
 * used either.
 */
export class IdleConnections {
  private readonly usedAt = new WeakMap<PoolConnection, number>();
  /** Connections that were last used before this moment are not used again. */
  private condemnedBefore = -Infinity;

  /** Call this when a connection goes back to the pool. */
  released(connection: PoolConnection): void {
    this.usedAt.set(connection, performance.now());
  }

  /** Whether a connection from the pool can be used; takes 500 ms at most. */
  async isAlive(connection: PoolConnection): Promise<boolean> {
    const idleSince = performance.now() - IDLE_MS;
    const usedAt = this.usedAt.get(connection) ?? Infinity;
    if (usedAt > idleSince) return true;
    if (usedAt < this.condemnedBefore) return false;
    if (await answers(connection)) return true;
    this.condemnedBefore = idleSince;
    return false;
  }
}

function answers(connection: PoolConnection): Promise<boolean> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve(false), PING_MS);
    connection.ping((error) => {
      clearTimeout(timer);
      resolve(!error);
    });
  });
}
