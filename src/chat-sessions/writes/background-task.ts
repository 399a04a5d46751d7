import {
  Logger,
  type OnApplicationBootstrap,
  type OnModuleDestroy,
} from '@nestjs/common';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { describeError } from '../../errors/describe-error.js';

interface BackgroundTaskOptions {
  /** Milliseconds between two runs. */
  pauseMs: number;
  /** The log message of a run that failed. */
  failure: string;
}

/** Work on the store that every instance repeats while it runs. Runs of several instances must not disturb each other. */
export abstract class BackgroundTask
  implements OnApplicationBootstrap, OnModuleDestroy
{
  protected isStopped = false;
  private readonly logger = new Logger(this.constructor.name);
  private timer: NodeJS.Timeout | undefined;
  private running: Promise<void> | undefined;
  private isWoken = false;

  constructor(private readonly options: BackgroundTaskOptions) {}

  /** Does the work. Returns soon once `isStopped` is set. An error is logged, and the next run tries again. */
  protected abstract run(): Promise<unknown>;

  onApplicationBootstrap(): void {
    // A random first pause, so that instances that start together do not run together.
    this.schedule(Math.random() * this.options.pauseMs);
  }

  /** Waits for the statements in progress, before the store is closed. */
  async onModuleDestroy(): Promise<void> {
    this.isStopped = true;
    clearTimeout(this.timer);
    await this.running;
  }

  /** Starts a run now; if one is in progress, another one after it. */
  wake(): void {
    this.isWoken = true;
    if (!this.running) this.schedule(0);
  }

  /** Runs a batch until it resolves to false: there is no more to do. Ends after a batch if the task is stopped. */
  protected async repeat(batch: () => Promise<boolean>): Promise<void> {
    while (await batch()) {
      if (this.isStopped) return;
      // Lets requests run between two batches on SQLite.
      await nextTurn();
    }
  }

  private schedule(pauseMs: number): void {
    if (this.isStopped) return;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => {
      this.running = this.runAndSchedule();
    }, pauseMs).unref();
  }

  private async runAndSchedule(): Promise<void> {
    this.isWoken = false;
    try {
      await this.run();
    } catch (error) {
      const { failure } = this.options;
      this.logger.warn({ message: failure, error: describeError(error) });
    }
    this.running = undefined;
    this.schedule(this.isWoken ? 0 : this.options.pauseMs);
  }
}
