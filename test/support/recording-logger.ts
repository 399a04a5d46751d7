import type { LoggerService } from '@nestjs/common';

/** Keeps errors for a test to check, and prints nothing. */
export class RecordingLogger implements LoggerService {
  readonly errors: unknown[] = [];

  error(message: unknown): void {
    this.errors.push(message);
  }

  log(): void {}
  warn(): void {}
}
