import type { PoolConnection } from 'mysql2';

/** After this time without use a connection is looked at before it is used (10 s). */
const IDLE_MS = 10_000;
/** Longest wait for the reply to a ping. */
const PING_MS = 500;

/**
 * Finds idle connections that a NAT gateway or a firewall has forgotten. It drops
 * their packets without a reset, so a request would wait for its whole deadline.
 * If one connection does not answer a ping, all that were unused for as long are
 * not used again. If a request was late, the other connections are looked at as
 * well: what has forgotten one may have forgotten all.
 */
export class IdleConnections {
  /** Connections that were last used before this time are not used again. */
  private condemnedBefore = -Infinity;
  /** Connections that were last used before this time are looked at, however short they were idle. */
  private suspectBefore = -Infinity;

  /** Call this if a connection failed, or did not answer in time. */
  suspectOthers(): void {
    this.suspectBefore = Date.now();
  }

  /** Call this if the server takes no writes: its name may lead to another one by now, and the pool gives the connections that are open. */
  condemnOthers(): void {
    this.suspectOthers();
    this.condemnedBefore = this.suspectBefore;
  }

  /**
   * Whether a connection from the pool can be used. One that was opened for the
   * request can.
   * @param requestedAt when the pool was asked for it, in milliseconds since 1970
   * @param milliseconds that the request has left; the check takes 500 ms at most
   */
  async isAlive(
    connection: PoolConnection,
    requestedAt: number,
    milliseconds: number,
  ): Promise<boolean> {
    const trustedSince = Math.max(Date.now() - IDLE_MS, this.suspectBefore);
    const usedAt = lastUseOf(connection);
    if (usedAt > trustedSince || usedAt >= requestedAt) return true;
    if (usedAt < this.condemnedBefore) return false;
    if (await answers(connection, Math.min(PING_MS, milliseconds))) return true;
    // A shorter wait says nothing about the others.
    if (milliseconds >= PING_MS) this.condemnedBefore = trustedSince;
    return false;
  }
}

/** When the connection was opened, or came back to the pool last, in milliseconds since 1970. mysql2's types leave it out. */
function lastUseOf(connection: PoolConnection): number {
  const { lastActiveTime } = connection as { lastActiveTime?: number };
  return lastActiveTime ?? Infinity;
}

function answers(
  connection: PoolConnection,
  milliseconds: number,
): Promise<boolean> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve(false), milliseconds);
    connection.ping((error) => {
      clearTimeout(timer);
      resolve(!error);
    });
  });
}
