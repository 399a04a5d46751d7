import { ConsoleLogger, type LogLevel as NestLogLevel } from '@nestjs/common';
import { type LogLevel, LOG_LEVELS } from './config/config.js';

/** Lines for people on a terminal, JSON for machines elsewhere. */
export function createLogger(level: LogLevel): ConsoleLogger {
  const enabled = LOG_LEVELS.slice(0, LOG_LEVELS.indexOf(level) + 1);
  return new ConsoleLogger({
    json: !process.stdout.isTTY,
    // Nest's name of `info`.
    logLevels: enabled.map((name): NestLogLevel =>
      name === 'info' ? 'log' : name,
    ),
  });
}
