// Loaded before the service: its statements are sent as text, as where the
// application's connections would prepare too many of them.
import mysql from 'mysql2';

const { createPool } = mysql;
mysql.createPool = (options) =>
  createPool({ ...options, maxPreparedStatements: 16_000 });
