import type { LoggerService } from '@nestjs/common';

/** Keeps errors and warnings for a test to check, and prints nothing. */
export class RecordingLogger implements LoggerService {
  readonly errors: unknown[] = [];
  readonly warnings: unknown[] = [];

  error(message: unknown): void {
    this.errors.push(message);
  }

  warn(message: unknown): void {
    this.warnings.push(message);
  }

  log(): void {}
}
