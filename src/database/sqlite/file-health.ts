import { Logger } from '@nestjs/common';

/** Whether transactions can use an open SQLite file. Logs one line when that changes. */
export class FileHealth {
  private readonly logger = new Logger(FileHealth.name);
  /** Why the last transaction could not use the file. Undefined if it could. */
  problem: Error | undefined;
  /**
   * Pages are lost or contradict each other. The service must be restarted on an
   * intact file: a write could spread the damage, or be lost in it.
   */
  isDamaged = false;

  /** @param file its path, for the log */
  constructor(private readonly file: string) {}

  failed(problem: Error, { isDamage = false } = {}): void {
    if (this.isDamaged) return;
    if (problem.message !== this.problem?.message) {
      const advice = isDamage
        ? '. Restore a backup and restart the service'
        : '';
      this.logger.error(
        `${this.file} cannot be used: ${problem.message}${advice}`,
      );
    }
    this.problem = problem;
    this.isDamaged = isDamage;
  }

  /** A write was committed. */
  worked(): void {
    if (!this.problem || this.isDamaged) return;
    this.problem = undefined;
    this.logger.log(`${this.file} can be used again`);
  }
}
