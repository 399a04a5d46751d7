import { Injectable, Logger } from '@nestjs/common';
import { describeError } from '../../errors/describe-error.js';
import type { SessionState } from '../store/chat-sessions.repository.js';

export interface SessionEvent {
  type: 'created' | 'updated' | 'appended' | 'cleared' | 'deleted';
  /** The session as the write left it; as it was before, if it was deleted. */
  session: SessionState;
}

type Listener = (event: SessionEvent) => void | Promise<void>;

/**
 * The changes that this process has committed. A listener is called after the
 * commit and before the response, once for each change; requests that were
 * replayed change nothing. Two changes of one session may arrive in either
 * order; compare `session.version`. An event is lost if the
 * process crashes after the commit, or does not learn the commit's outcome.
 */
@Injectable()
export class SessionEvents {
  private readonly logger = new Logger(SessionEvents.name);
  private readonly listeners = new Set<Listener>();

  /** Returns a function that ends the subscription. */
  subscribe(listener: Listener): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** Errors of listeners are logged; they do not reach the caller, whose write is done. */
  publish(event: SessionEvent): void {
    for (const listener of this.listeners) void this.tell(listener, event);
  }

  private async tell(listener: Listener, event: SessionEvent): Promise<void> {
    try {
      await listener(event);
    } catch (error) {
      this.logger.error({
        message: 'A listener of session events failed',
        event: event.type,
        error: describeError(error),
      });
    }
  }
}
