import type { LoggerService } from '@nestjs/common';

/** Keeps what was logged as errors, for a test to look at; nothing is printed. */
export class RecordingLogger implements LoggerService {
  readonly errors: unknown[] = [];

  error(message: unknown): void {
    this.errors.push(message);
  }

  log(): void {}
  warn(): void {}
}
