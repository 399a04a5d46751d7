import type { Connection } from 'mysql2/promise';
import { connectMysql as connect } from '../../src/database/mysql/connection.js';
import { PATIENCE } from './patience.js';

/** Opens a connection past the service. */
export function connectMysql(url: string): Promise<Connection> {
  return connect(url, Number(PATIENCE.DATABASE_CONNECT_TIMEOUT_MS));
}
