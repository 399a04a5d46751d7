import { ConsoleLogger, type LogLevel as NestLogLevel } from '@nestjs/common';
import { LOG_LEVELS, type LogLevel } from './config/config.js';

/** Logs lines of text to a terminal, and lines of JSON to anything else. */
export function createLogger(level: LogLevel): ConsoleLogger {
  const enabled = LOG_LEVELS.slice(0, LOG_LEVELS.indexOf(level) + 1);
  return new ConsoleLogger({
    json: !process.stdout.isTTY,
    // Nest calls `info` `log`.
    logLevels: enabled.map((name): NestLogLevel =>
      name === 'info' ? 'log' : name,
    ),
  });
}
